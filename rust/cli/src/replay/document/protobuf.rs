//! Where the time stamps of decoded protobuf requests are.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric, NumberDataPoint, metric::Data};

type Each<'a> = dyn FnMut(&mut u64) + 'a;

pub fn for_each_metrics_time(request: &mut ExportMetricsServiceRequest, each: &mut Each<'_>) {
    let scopes = request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
    scopes.flat_map(|scope| &mut scope.metrics).for_each(|metric| metric_times(metric, each));
}

pub fn for_each_logs_time(request: &mut ExportLogsServiceRequest, each: &mut Each<'_>) {
    let scopes = request.resource_logs.iter_mut().flat_map(|resource| &mut resource.scope_logs);
    for record in scopes.flat_map(|scope| &mut scope.log_records) {
        each(&mut record.time_unix_nano);
        each(&mut record.observed_time_unix_nano);
    }
}

pub fn for_each_traces_time(request: &mut ExportTraceServiceRequest, each: &mut Each<'_>) {
    let scopes = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        each(&mut span.start_time_unix_nano);
        each(&mut span.end_time_unix_nano);
        span.events.iter_mut().for_each(|event| each(&mut event.time_unix_nano));
    }
}

fn metric_times(metric: &mut Metric, each: &mut Each<'_>) {
    match &mut metric.data {
        Some(Data::Gauge(gauge)) => number_times(&mut gauge.data_points, each),
        Some(Data::Sum(sum)) => number_times(&mut sum.data_points, each),
        Some(Data::Histogram(histogram)) => {
            for point in &mut histogram.data_points {
                times(&mut point.start_time_unix_nano, &mut point.time_unix_nano, &mut point.exemplars, each);
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            for point in &mut histogram.data_points {
                times(&mut point.start_time_unix_nano, &mut point.time_unix_nano, &mut point.exemplars, each);
            }
        }
        Some(Data::Summary(summary)) => {
            for point in &mut summary.data_points {
                times(&mut point.start_time_unix_nano, &mut point.time_unix_nano, &mut [], each);
            }
        }
        None => {}
    }
}

fn number_times(points: &mut [NumberDataPoint], each: &mut Each<'_>) {
    for point in points {
        times(&mut point.start_time_unix_nano, &mut point.time_unix_nano, &mut point.exemplars, each);
    }
}

fn times(start: &mut u64, time: &mut u64, exemplars: &mut [Exemplar], each: &mut Each<'_>) {
    each(start);
    each(time);
    exemplars.iter_mut().for_each(|exemplar| each(&mut exemplar.time_unix_nano));
}
