//! Writes the seeds of the corpora: `cargo run -p tokenledger-fuzz --example seed_corpus`.
//!
//! Seeds are the recorded metric requests (tests/data/captures), requests with metrics of all kinds, the
//! same as flat buffers and as rows of a ledger, random scripts for the engine and random recipes of histograms. Files that
//! fuzzing added beside them are left alone.

use std::error::Error;
use std::fs;
use std::path::Path;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, metric::Data, number_data_point::Value,
};
use prost::Message;
use tokenledger::Now;
use tokenledger_fuzz::{flatten, ledger, mutation::Dice};
use tokenledger_otlp::ByteView;

const NOW: Now = Now { wall_unix_nano: 1_795_217_030_000_000_000, monotonic_nano: 3_600_000_000_000 };
/// Scripts for the engine, each with settings of its own.
const SCRIPTS: u64 = 96;
/// Recipes of histograms.
const RECIPES: u64 = 48;

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("corpus");
    for target in ["otlp_bytes", "flat_buffer", "engine", "distribution", "ledger_blob"] {
        fs::create_dir_all(corpus.join(target))?;
    }
    for client in ["claude-code-2.1.197", "claude-code-2.1.329"] {
        let directory = here.join("../../tests/data/captures").join(client).join("two-sessions-protobuf");
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if let Some(name) =
                path.file_name().and_then(|name| name.to_str()?.strip_suffix("_v1_metrics.pb"))
            {
                write_request(&corpus, &format!("{client}-{name}"), &fs::read(&path)?)?;
            }
        }
    }
    for temporality in 1..=2 {
        let request = all_kinds(temporality).encode_to_vec();
        write_request(&corpus, &format!("all-kinds-{temporality}"), &request)?;
    }
    for number in 0..SCRIPTS {
        fs::write(corpus.join("engine").join(format!("script-{number:02}")), script(number))?;
    }
    for number in 0..RECIPES {
        let mut dice = Dice(number);
        let recipe: Vec<u8> = (0..200).map(|_| dice.below(250) as u8).collect();
        fs::write(corpus.join("distribution").join(format!("recipe-{number:02}")), recipe)?;
    }
    Ok(())
}

/// A request, the same as a flat buffer, and the row that an engine stores for it behind a byte of settings.
fn write_request(corpus: &Path, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::write(corpus.join("flat_buffer").join(name), flatten(&ByteView::new(bytes)?, NOW))?;
    fs::write(corpus.join("otlp_bytes").join(name), bytes)?;
    if let Some(row) = ledger::contents(bytes).first() {
        let choice = bytes.len() as u8;
        fs::write(corpus.join("ledger_blob").join(name), [&[choice], row.as_slice()].concat())?;
    }
    Ok(())
}

/// Two bytes of settings, of which each bit is set in half of the scripts, and 150 steps: mostly
/// points, sent after every few.
fn script(number: u64) -> Vec<u8> {
    const OTHER_STEPS: [u8; 8] = [12, 12, 12, 13, 14, 14, 15, 11];
    let mut dice = Dice(number);
    let mut script = vec![number as u8 ^ (number as u8) << 4, dice.below(256) as u8];
    for _ in 0..150 {
        script.push(if dice.below(3) > 0 { dice.below(11) as u8 } else { OTHER_STEPS[dice.below(8)] });
        script.extend((0..5).map(|_| dice.below(256) as u8));
    }
    script
}

fn all_kinds(temporality: i32) -> ExportMetricsServiceRequest {
    let (start, time) = (NOW.wall_unix_nano - 2_000_000_000, NOW.wall_unix_nano - 1_000_000_000);
    let value = any_value::Value::StringValue("s".into());
    let value = Some(AnyValue { value: Some(value) });
    let attributes = vec![KeyValue { key: "session.id".into(), value, key_strindex: 0 }];
    let number = |value| NumberDataPoint {
        attributes: attributes.clone(),
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(value),
        ..NumberDataPoint::default()
    };
    let explicit = HistogramDataPoint {
        attributes: attributes.clone(),
        start_time_unix_nano: start,
        time_unix_nano: time,
        count: 6,
        sum: Some(12.5),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![1.0, 2.5],
        min: Some(0.25),
        max: Some(5.0),
        ..HistogramDataPoint::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        attributes: attributes.clone(),
        start_time_unix_nano: start,
        time_unix_nano: time,
        count: 9,
        sum: Some(-12.5),
        scale: 3,
        zero_count: 2,
        positive: Some(Buckets { offset: -4, bucket_counts: vec![1, 0, 2] }),
        negative: Some(Buckets { offset: 7, bucket_counts: vec![4] }),
        zero_threshold: 1e-3,
        ..ExponentialHistogramDataPoint::default()
    };
    let data = [
        Data::Sum(Sum {
            data_points: vec![number(Value::AsInt(7)), number(Value::AsDouble(0.5))],
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        Data::Gauge(Gauge { data_points: vec![number(Value::AsDouble(20.5))] }),
        Data::Histogram(Histogram { data_points: vec![explicit], aggregation_temporality: temporality }),
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![exponential],
            aggregation_temporality: temporality,
        }),
        Data::Summary(Summary::default()),
    ];
    let metrics = data.into_iter().enumerate().map(|(number, data)| Metric {
        name: format!("metric {number}"),
        data: Some(data),
        ..Metric::default()
    });
    let scope = ScopeMetrics { metrics: metrics.collect(), ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}
