//! A batch through an engine of its own, with everything that must hold whatever the batch is.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
use tokenledger::batch::Batch;
use tokenledger::{
    BatchResult, Config, Emit, Engine, GaugeMerge, IdentityKey, IdentityMode, Now, Outcomes, ResourceRule,
    Rule, Tick,
};
use tokenledger_otlp::emission::{self, Emission};
use tokenledger_otlp::oracle::Shown;

/// A moment in the time of the recorded sessions.
pub const NOW: Now = Now { wall_unix_nano: 1_795_217_030_000_000_000, monotonic_nano: 3_600_000_000_000 };

/// An engine that is the same in every run.
pub fn new_engine(config: Config, now: Now) -> Engine {
    let key = IdentityKey::new(std::array::from_fn(|index| index as u8));
    match Engine::new(config, key, now) {
        Ok(engine) => engine,
        Err(error) => unreachable!("a valid configuration: {error}"),
    }
}

/// Each way of emitting, with as little else as may be and with everything that trims and limits.
pub fn configs() -> [Config; 4] {
    let plain = Config { max_streams: 3, ..Config::default() };
    let rule = Rule {
        metrics: vec!["*".into()],
        drop: vec!["session.id".into(), String::new()],
        max_values: [("type".into(), 1), ("model".into(), 0)].into(),
        gauge: GaugeMerge::Sum,
        ..Rule::default()
    };
    let trimming = Config {
        identity: IdentityMode::Prometheus,
        rules: vec![rule],
        resource_rule: ResourceRule { drop: vec!["os.version".into()], keep: None },
        max_streams: 1000,
        max_memory_bytes: 64 << 10,
        ..Config::default()
    };
    let interval = |config: &Config| Config { emit: Emit::Interval, ..config.clone() };
    [interval(&plain), interval(&trimming), plain, trimming]
}

/// Consumes `batch` twice under each configuration. `shown` is what the batch shows, if it can be read.
pub fn engine(batch: &impl Batch, now: Now, shown: Option<&[Shown]>) {
    for config in configs() {
        let engine = new_engine(config, now);
        let mut result = BatchResult::default();
        for _ in 0..2 {
            let consumed = engine.consume(batch, now, &mut result);
            match shown {
                Some(shown) => {
                    assert_eq!(consumed, Ok(()));
                    check_result(&result, points(shown));
                }
                // What is wrong may be in a gauge that no rule concerns, where nobody looks (D14).
                None if consumed.is_ok() => assert!(result.outcomes.untouched > 0, "a broken batch"),
                None => assert_eq!(engine.stats().streams, 0, "a malformed batch changes nothing"),
            }
        }
        engine.refused(&result, now);
        let text_is_utf8 = shown.is_some_and(|shown| shown.iter().all(is_utf8));
        for emission in drain(&engine, now) {
            let decoded = ExportMetricsServiceRequest::decode(emission.request.as_slice());
            assert!(decoded.is_ok() || !text_is_utf8, "{decoded:?}");
        }
    }
}

fn points(shown: &[Shown]) -> usize {
    shown.iter().filter(|element| matches!(element, Shown::Point { .. })).count()
}

fn check_result(result: &BatchResult, points: usize) {
    assert_eq!(result.verdicts.len(), points);
    let counted = outcomes(&result.outcomes);
    assert_eq!(counted, points as u64, "each point has one outcome: {:?}", result.outcomes);
    assert!(result.added.iter().all(|added| (added.point as usize) < points));
}

/// How many points have an outcome.
pub fn outcomes(outcomes: &Outcomes) -> u64 {
    let Outcomes {
        accepted,
        duplicate,
        late,
        invalid,
        overflow,
        no_value,
        superseded,
        baseline,
        refused,
        untouched,
    } = *outcomes;
    let kept = accepted + duplicate + late + overflow + baseline;
    kept + invalid + no_value + superseded + refused + untouched
}

/// Everything that an engine still has to say.
pub fn drain(engine: &Engine, now: Now) -> Vec<Emission> {
    let mut tick = Tick::default();
    let mut emissions = Vec::new();
    while !tick.is_done() {
        engine.tick(now, true, &mut tick).unwrap_or_default();
        emissions.extend(emission::encode(&tick));
    }
    emissions
}

/// Whether all text of an element, attributes included, is UTF-8: prost takes no other.
fn is_utf8(element: &Shown) -> bool {
    let utf8 = |text: &[u8]| std::str::from_utf8(text).is_ok();
    let (attributes, texts): (&[Vec<u8>], Vec<&Vec<u8>>) = match element {
        Shown::Metadata(_) => return true, // not part of the request
        Shown::Resource { attributes, schema_url } => (attributes, vec![schema_url]),
        Shown::Scope { name, version, attributes, schema_url } => {
            (attributes, vec![name, version, schema_url])
        }
        Shown::Metric { name, unit, description, .. } => (&[], vec![name, unit, description]),
        Shown::Point { attributes, .. } => (attributes, Vec::new()),
    };
    texts.into_iter().all(|text| utf8(text)) && attributes.iter().all(|record| is_utf8_record(record))
}

fn is_utf8_record(record: &[u8]) -> bool {
    use tokenledger::attribute::{Attribute, ValueType, for_each};
    let Ok(attribute) = Attribute::parse(record) else { return true };
    let value_is_utf8 = match attribute.value_type {
        ValueType::String => std::str::from_utf8(attribute.value).is_ok(),
        ValueType::Array | ValueType::Map => {
            let mut all = true;
            let _ = for_each(attribute.value, 0, |record| all &= is_utf8_record(record));
            all
        }
        _ => true,
    };
    value_is_utf8 && std::str::from_utf8(attribute.key).is_ok()
}
