use std::io::Write;
use std::net::TcpListener;

use super::*;

fn collector(listeners: Vec<SocketAddr>) -> Collector {
    Collector {
        process: 1,
        program: "otelcol".to_owned(),
        listeners,
        own_listeners: true,
        age: Some(Duration::from_secs(3600)),
        configuration: String::new(),
        whole_configuration: false,
    }
}

fn ports(answers: &[Speaks]) -> Vec<Port> {
    let addresses = (1..).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    addresses.zip(answers.iter().cloned()).collect()
}

fn health_check(refusal: Option<&str>) -> Speaks {
    Speaks::HealthCheck { url: "http://h/".to_owned(), refusal: refusal.map(str::to_owned) }
}

fn decision(answers: &[Speaks]) -> (bool, String) {
    let (healthy, _, reason) = decide(&collector(Vec::new()), &ports(answers));
    (healthy, reason)
}

/// Scenario: ports with every mixture of answers. Guarantee: a health check has the last word, one that refuses before one
/// that agrees; else OTLP; else anything that answers; silence is not health.
#[test]
fn the_strongest_evidence_decides() {
    use Speaks::*;
    let no = health_check(Some("answered 503: no"));
    let yes = health_check(None);
    for (answers, healthy, reason) in [
        (vec![Otlp("gRPC"), no.clone()], false, "http://h/ answered 503: no"),
        (vec![yes.clone(), no.clone()], false, "answered 503"),
        (vec![Nothing, yes.clone()], true, "http://h/ says so"),
        (vec![Nothing, Http, Otlp("HTTP")], true, "127.0.0.1:3 answers as OTLP over HTTP"),
        (vec![Nothing, Http, Tls], true, "127.0.0.1:3 answers with TLS"),
        (vec![Refuses("x".to_owned()), Http], true, "127.0.0.1:2 answers with HTTP"),
        (vec![HangsUp], true, "closes them"),
        (vec![Nothing, Nothing], false, "127.0.0.1:2 takes connections but does not answer"),
        (vec![Refuses("127.0.0.1:1: refused".to_owned())], false, "no connection to 127.0.0.1:1: refused"),
    ] {
        let (decided, why) = decision(&answers);
        assert_eq!(decided, healthy, "{answers:?}: {why}");
        assert!(why.contains(reason), "{answers:?}: {why}");
    }
}

/// Scenario: the ports of the whole machine, because the process may not be looked into. Guarantee: what any program
/// could answer proves nothing; OTLP and a health check do.
#[test]
fn a_strangers_port_is_no_proof() {
    let stranger = Collector { own_listeners: false, ..collector(Vec::new()) };
    for (speaks, healthy) in [
        (Speaks::Http, false),
        (Speaks::Tls, false),
        (Speaks::Otlp("gRPC"), true),
        (health_check(None), true),
    ] {
        assert_eq!(decide(&stranger, &ports(std::slice::from_ref(&speaks))).0, healthy, "{speaks:?}");
    }
}

/// Scenario: no port at all, or only one that any part of a collector may serve: long after the start, at the start, and of
/// unknown age. Guarantee: only the first is well: receivers come last, so a collector that is starting looks the same. OTLP
/// is proof at once.
#[test]
fn weak_evidence_counts_after_the_start() {
    for (age, healthy) in [(Some(3600), true), (Some(15), true), (Some(14), false), (None, false)] {
        let collector = Collector { age: age.map(Duration::from_secs), ..collector(Vec::new()) };
        for answers in [vec![], vec![Speaks::Http], vec![Speaks::HangsUp]] {
            let (decided, _, reason) = decide(&collector, &ports(&answers));
            assert_eq!(decided, healthy, "{age:?}, {answers:?}: {reason}");
            assert_eq!(reason.contains("starting"), !healthy, "{reason}");
        }
        assert!(decide(&collector, &ports(&[Speaks::Otlp("gRPC")])).0);
        assert!(decide(&collector, &ports(&[Speaks::Tls])).0);
    }
}

/// Scenario: several ports that are silent. Guarantee: they are asked at the same time, so that the answer comes within the
/// limit whatever their number.
#[test]
fn ports_are_asked_at_the_same_time() {
    let silent: Vec<_> = (0..8).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let listeners = silent.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let began = Instant::now();
    let judgement = judge(&collector(listeners), began + Duration::from_millis(600));
    assert!(!judgement.healthy && judgement.endpoint.is_none(), "{judgement:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// Scenario: a gRPC port and another one, with a configuration that is known as a whole and has no health check, that has
/// one, and that is known in part. Guarantee: only in the first case the other port is left in peace.
#[test]
fn ports_are_left_in_peace() {
    for (configuration, whole_configuration, asked) in [
        ("grpc: x:PORT", true, false),
        ("grpc: x:PORT health_check", true, true),
        ("grpc: x:PORT", false, true),
    ] {
        let grpc = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.set_nonblocking(true).unwrap();
        let listeners = vec![other.local_addr().unwrap(), grpc.local_addr().unwrap()];
        let configuration = configuration.replace("PORT", &grpc.local_addr().unwrap().port().to_string());
        thread::spawn(move || grpc.accept().unwrap().0.write_all(b"\0\0\0\x04\0\0\0\0\0").unwrap());
        let collector = Collector { configuration, whole_configuration, ..collector(listeners) };
        let judgement = judge(&collector, Instant::now() + Duration::from_millis(500));
        assert!(judgement.healthy, "{judgement:?}");
        assert_eq!(other.accept().is_ok(), asked, "{judgement:?}");
    }
}
