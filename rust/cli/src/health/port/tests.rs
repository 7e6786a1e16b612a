use std::io::BufRead;
use std::io::BufReader;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use super::*;

/// A server that hands each connection to `serve`, for as long as the tests run.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    address
}

/// An HTTP/1 server as Go's: it refuses the beginning of HTTP/2, and answers `METHOD path` with a status and content.
fn http(answers: &'static [(&'static str, u16, &'static str)]) -> SocketAddr {
    server(move |mut stream| {
        let mut request = String::new();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        lines.read_line(&mut request).unwrap();
        let mut line = request.clone();
        while !matches!(line.as_str(), "\r\n" | "") {
            line.clear();
            lines.read_line(&mut line).unwrap();
        }
        let wanted = request.rsplit_once(' ').unwrap().0;
        let known = answers.iter().find(|(asked, ..)| *asked == wanted);
        let (status, content) = match known {
            Some((_, status, content)) => (*status, *content),
            None if wanted.starts_with("PRI") => (400, ""),
            None => (404, "404 page not found"),
        };
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{content}",
            content.len()
        );
    })
}

fn asked(address: SocketAddr, paths: &[&str]) -> Speaks {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    ask(address, &Hints { paths, ..Hints::default() }, Instant::now() + Duration::from_secs(5))
}

const UP: &str = r#"{"status":"Server available","upSince":"2026-01-01T00:00:00Z","uptime":"5s"}"#;
const DOWN: &str = r#"{"status":"Server not available","upSince":"2026-01-01T00:00:00Z","uptime":""}"#;

/// Scenario: health checks at the root, at a usual path, at a path that only the configuration names, and one that
/// refuses. Guarantee: each is recognised with its address; a refusal carries what was written.
#[test]
fn health_checks_are_recognised() {
    for (server, paths, at) in [
        (http(&[("GET /", 200, UP)]), vec![], "/"),
        (http(&[("GET /healthz", 200, UP)]), vec![], "/healthz"),
        (http(&[("GET /our/own", 200, UP)]), vec!["/data/out.json", "/our/own"], "/our/own"),
    ] {
        let url = format!("http://{server}{at}");
        assert_eq!(asked(server, &paths), Speaks::HealthCheck { url, refusal: None });
    }
    let refusing = http(&[("GET /", 503, DOWN)]);
    let Speaks::HealthCheck { refusal: Some(refusal), .. } = asked(refusing, &[]) else {
        panic!("no refusal")
    };
    assert!(refusal.starts_with("answered 503: ") && refusal.contains("not available"), "{refusal}");
}

/// Scenario: pages that are no health check: one that says "status" with another code, text, a page of metrics.
/// Guarantee: HTTP, nothing more.
#[test]
fn other_pages_are_no_health_check() {
    for server in [
        http(&[("GET /", 404, UP)]),
        http(&[("GET /", 200, "fine")]),
        http(&[("GET /", 200, r#"{"status":1}"#)]),
        http(&[("GET /metrics", 200, "up 1\n")]),
    ] {
        assert_eq!(asked(server, &[]), Speaks::Http);
    }
}

/// Scenario: OTLP receivers that take the empty request, want credentials, want another encoding, or know logs only.
/// Guarantee: each is OTLP; one that refuses the method is not.
#[test]
fn otlp_over_http_is_recognised() {
    for server in [
        http(&[("POST /v1/metrics", 200, "")]),
        http(&[("POST /v1/metrics", 401, "")]),
        http(&[("POST /v1/metrics", 415, "")]),
        http(&[("POST /v1/logs", 200, "")]),
    ] {
        assert_eq!(asked(server, &[]), Speaks::Otlp("HTTP"));
    }
    assert_eq!(asked(http(&[("POST /v1/metrics", 405, "")]), &[]), Speaks::Http);
}

/// Scenario: gRPC servers that answer the beginning of HTTP/2 with their settings, or with GOAWAY, and hang up on anything
/// else; one on a port that the configuration names, one on a port of which nothing is known. Guarantee: OTLP over gRPC, and
/// the first is greeted as it expects at once, because it would complain in its log.
#[test]
fn grpc_is_recognised() {
    for frame in [&b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0"[..], b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
        for known in [true, false] {
            let (address, greetings) =
                recording_server(|greeting| greeting.starts_with(b"PRI").then_some(frame));
            let grpc_ports = if known { vec![address.port()] } else { Vec::new() };
            let hints = Hints { grpc_ports, ..Hints::default() };
            let speaks = ask(address, &hints, Instant::now() + Duration::from_secs(5));
            assert_eq!(speaks, Speaks::Otlp("gRPC"));
            let greetings = greetings.try_iter().collect::<Vec<_>>();
            assert_eq!(greetings.len(), if known { 1 } else { 2 });
            assert_eq!(greetings.last().unwrap(), HTTP2_GREETING);
        }
    }
}

/// A server that answers or hangs up, and what it was sent.
fn recording_server(
    answer: impl Fn(&[u8]) -> Option<&'static [u8]> + Send + 'static,
) -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let (record, greetings) = mpsc::channel();
    let address = server(move |mut stream| {
        let mut greeting = [0; 128];
        let length = stream.read(&mut greeting).unwrap();
        record.send(greeting[..length].to_vec()).unwrap();
        if let Some(bytes) = answer(&greeting[..length]) {
            stream.write_all(bytes).unwrap();
        }
    });
    (address, greetings)
}

/// Scenario: an HTTPS server as Go's, and gRPC with TLS, which hangs up on anything but a ClientHello and answers that with
/// an alert. Guarantee: TLS. The first is asked once, because it complains in its log. The ClientHello is well-formed: its
/// lengths add up.
#[test]
fn tls_is_recognised() {
    let refusal = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let (https, greetings) =
        recording_server(move |greeting| greeting.starts_with(b"GET /").then_some(refusal));
    assert_eq!(asked(https, &[]), Speaks::Tls);
    assert_eq!(greetings.try_iter().collect::<Vec<_>>(), [HTTP1_GREETING]);

    let (grpcs, greetings) =
        recording_server(|greeting| (greeting[0] == 0x16).then_some(b"\x15\x03\x01\0\x02\x02\x28"));
    assert_eq!(asked(grpcs, &[]), Speaks::Tls);
    let hello = greetings.try_iter().last().unwrap();
    assert_eq!(hello.len(), 5 + usize::from(u16::from_be_bytes([hello[3], hello[4]])));
    assert_eq!(hello.len(), 9 + usize::from(hello[8]));
}

/// Scenario: a server that hangs up on everything, one that takes connections and says nothing, and a closed port.
/// Guarantee: told apart; silence costs no more than the time that was given.
#[test]
fn silence_is_not_life() {
    assert_eq!(asked(server(|mut stream| drop(stream.read(&mut [0; 64]))), &[]), Speaks::HangsUp);

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();
    let speaks = ask(silent.local_addr().unwrap(), &Hints::default(), began + Duration::from_millis(400));
    assert_eq!(speaks, Speaks::Nothing);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    let closed = silent.local_addr().unwrap();
    drop(silent);
    assert!(matches!(asked(closed, &[]), Speaks::Refuses(_)));
}

/// Scenario: listeners on every address of both families, and on one. Guarantee: reached on this machine, those of IPv6
/// by IPv4 first.
#[test]
fn every_address_is_reached_here() {
    for (listener, expected) in [
        ("0.0.0.0:1", vec!["127.0.0.1:1"]),
        ("[::]:1", vec!["127.0.0.1:1", "[::1]:1"]),
        ("10.0.0.7:1", vec!["10.0.0.7:1"]),
    ] {
        let expected: Vec<SocketAddr> =
            expected.into_iter().map(|address| address.parse().unwrap()).collect();
        assert_eq!(reachable(listener.parse().unwrap()), expected);
    }
    let port = http(&[("GET /", 200, UP)]).port();
    let found = asked(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), &[]);
    assert_eq!(found, Speaks::HealthCheck { url: format!("http://127.0.0.1:{port}/"), refusal: None });
}

/// Scenario: the page of a collector's own metrics, another page, and a port that is none.
/// Guarantee: only the first is taken.
#[test]
fn own_metrics_are_found() {
    let hints = Hints::default();
    let own = http(&[("GET /metrics", 200, "otelcol_process_uptime_seconds_total 3\n")]);
    let deadline = Instant::now() + Duration::from_secs(5);
    assert_eq!(page_of_own_metrics(own, &hints, deadline), Some(format!("http://{own}/metrics")));
    assert_eq!(page_of_own_metrics(http(&[("GET /metrics", 200, "up 1\n")]), &hints, deadline), None);
    assert_eq!(page_of_own_metrics(server(drop), &hints, deadline), None);
}

/// Scenario: paths in block and flow style, quoted, commented, by variables, and keys that only end in "path".
/// Guarantee: exactly those that a health check could have.
#[test]
fn paths_are_read_off_a_configuration() {
    let configuration = "
extensions:
  health_check: {endpoint: 0.0.0.0:1, path: /flow}
  health_check/b:
    path: \"/block\" # text
  health_check/c:
    path: '/block'
exporters:
  file: {path: /data/out.json}
  file/b:
    path: ${env:FILE}
    url_path: /no
    xpath: /no
    path: relative
";
    assert_eq!(configured_paths(configuration), ["/flow", "/block", "/data/out.json"]);
    assert!(configured_paths("").is_empty());
}

/// Scenario: receivers in block and flow style, in both orders, beside other numbers. Guarantee: the ports after gRPC, and
/// always the usual one.
#[test]
fn grpc_ports_are_read_off_a_configuration() {
    let hints = Hints::of(
        "
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:14317
      http:
        endpoint: 0.0.0.0:14318
  otlp/b: {protocols: {http: {endpoint: 'x:24318'}, grpc: {endpoint: 'x:24317', max_recv_msg_size_mib: 8}}}
exporters:
  otlp_http: {endpoint: http://y:1}
  prometheus: {endpoint: 'x:8889'}
",
    );
    for (port, grpc) in [
        (14317, true),
        (24317, true),
        (4317, true),
        (14318, false),
        (24318, false),
        (8889, false),
        (1, false),
    ] {
        assert_eq!(hints.expects_grpc(port), grpc, "{port}");
    }
}
