//! `tokenledger replay` and `tokenledger health` as a user runs them, against an HTTP server in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What the server saw.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    content_type: String,
    body: Vec<u8>,
    at: Instant,
}

/// A server that answers request number n with `answer(n, request)`: status, headers, body.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Answer = (u16, &'static str, Vec<u8>);

impl Server {
    fn new(answer: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(&stream.unwrap(), &log, &*answer));
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, log: &Mutex<Vec<Seen>>, answer: &dyn Fn(usize, &Seen) -> Answer) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let (status, headers, body) = answer(number, &request);
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        if stream.write_all(&[head.into_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let content_type = headers.get("content-type").cloned().unwrap_or_default();
    Some(Seen { path, content_type, body, at: Instant::now() })
}

fn captures(set: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/captures").join(set)
}

/// The recorded bodies in order, with the path that each has to be sent to.
fn recorded(set: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> =
        std::fs::read_dir(captures(set)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.to_string_lossy().contains("_v1_"));
    let path = |file: &Path| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        format!("/v1/{}", name.rsplit('_').next().unwrap())
    };
    files.iter().map(|file| (path(file), std::fs::read(file).unwrap())).collect()
}

fn tokenledger(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tokenledger")).args(arguments).output().unwrap()
}

fn replay(set: &str, server: &Server, arguments: &[&str]) -> Output {
    let directory = captures(set);
    tokenledger(&[&["replay", directory.to_str().unwrap(), "--endpoint", &server.url], arguments].concat())
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn fine(_: usize, _: &Seen) -> Answer {
    (200, "content-type: application/json\r\n", b"{}".to_vec())
}

const JSON: &str = "claude-code-2.1.329/two-sessions-json";
const PROTOBUF: &str = "claude-code-2.1.329/two-sessions-protobuf";

/// Scenario: a recording in each encoding is sent without waiting.
/// Guarantee: every body arrives once, in order, byte by byte, at its path with its content type.
#[test]
fn bodies_arrive_as_recorded() {
    for (set, content_type) in [(JSON, "application/json"), (PROTOBUF, "application/x-protobuf")] {
        let server = Server::new(fine);
        let output = replay(set, &server, &["--fast", "--json"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let seen = server.seen();
        let arrived: Vec<_> = seen.iter().map(|seen| (seen.path.clone(), seen.body.clone())).collect();
        assert!(arrived == recorded(set), "{set}");
        assert!(seen.iter().all(|seen| seen.content_type == content_type));
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(
            answer.starts_with(r#"{"requests":{"metrics":"#) && answer.contains(r#""retries":0"#),
            "{answer}"
        );
    }
}

/// Scenario: only one signal is wanted, time stamps are moved to now.
/// Guarantee: only that signal is sent, and none of the recorded minutes is left.
#[test]
fn signals_are_chosen_and_times_moved() {
    let server = Server::new(fine);
    let output = replay(JSON, &server, &["--fast", "--shift-to-now", "--signal", "metrics"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let seen = server.seen();
    assert_eq!(seen.len(), recorded(JSON).iter().filter(|(path, _)| path == "/v1/metrics").count());
    for seen in seen {
        assert_eq!(seen.path, "/v1/metrics");
        assert!(!String::from_utf8(seen.body).unwrap().contains("UnixNano\":\"17952170"));
    }
}

/// Scenario: a recording at its real spacing, its first requests only (the rest is refused).
/// Guarantee: time passes between them; the refusal ends the replay with code 1, naming file, status and message.
#[test]
fn spacing_is_kept_and_refusals_are_named() {
    let refuse_fourth = |number, seen: &Seen| match number {
        0..3 => fine(number, seen),
        _ => (400, "content-type: application/json\r\n", br#"{"code":3,"message":"bad data"}"#.to_vec()),
    };
    let server = Server::new(refuse_fourth);
    let output = replay(JSON, &server, &["--signal", "metrics"]);
    assert_eq!(output.status.code(), Some(1));
    let seen = server.seen();
    assert_eq!(seen.len(), 4, "a refused request is not sent again");
    assert!(seen[3].at - seen[0].at > Duration::from_millis(900), "metrics were exported each second");
    let error = stderr(&output);
    for part in ["_v1_metrics.json", "400", "bad data", "/v1/metrics"] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

/// Scenario: the receiver is busy twice, once with Retry-After.
/// Guarantee: the same body comes again, not before the time asked for, and the replay succeeds.
#[test]
fn busy_receivers_are_tried_again() {
    let busy_twice = |number, seen: &Seen| match number {
        0 => (503, "retry-after: 1\r\n", Vec::new()),
        1 => (429, "", b"slow down".to_vec()),
        _ => fine(number, seen),
    };
    let server = Server::new(busy_twice);
    let output = replay(PROTOBUF, &server, &["--fast", "--signal", "traces", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let seen = server.seen();
    assert!(seen[0].body == seen[1].body && seen[1].body == seen[2].body && seen[2].body != seen[3].body);
    assert!(seen[1].at - seen[0].at >= Duration::from_secs(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains(r#""retries":2"#));
}

/// Scenario: the receiver stays busy; nobody listens; the address is not one; it wants TLS.
/// Guarantee: a reason, within the time that was given; code 1, and 2 for what the command line cannot mean.
#[test]
fn giving_up_is_explained() {
    let busy = Server::new(|_, _| (503, "", b"out of memory".to_vec()));
    let output = replay(JSON, &busy, &["--fast", "--retry-for", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("did not take the request within")
            && stderr(&output).contains("out of memory")
    );
    assert!(busy.seen().len() > 1);

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = captures(JSON);
    let send_to = |url: &str| {
        let directory = directory.to_str().unwrap();
        tokenledger(&["replay", directory, "--endpoint", url, "--fast", "--retry-for", "0"])
    };
    let cases = [
        (format!("http://{nobody}"), 1, "refused"),
        ("http://not a host".into(), 1, "cannot be used"),
        ("https://localhost".into(), 2, "https is not supported"),
    ];
    for (url, code, words) in cases {
        let output = send_to(&url);
        assert_eq!(output.status.code(), Some(code), "{url}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{words} in {}", stderr(&output));
    }
}

/// Scenario: the receiver takes the request but rejects points of it.
/// Guarantee: code 1, and the request is not sent again (OTLP forbids it).
#[test]
fn partial_success_is_a_failure() {
    let partial = br#"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too old"}}"#;
    let server = Server::new(|_, _| (200, "content-type: application/json\r\n", partial.to_vec()));
    let output = replay(JSON, &server, &["--fast", "--signal", "metrics"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("rejected 2") && stderr(&output).contains("too old"),
        "{}",
        stderr(&output)
    );
    assert_eq!(server.seen().len(), 1);
}

/// Scenario: directories that are not there or hold no recording, and a wrong command line.
/// Guarantee: codes 3 and 2.
#[test]
fn impossible_replays_have_their_own_code() {
    assert_eq!(tokenledger(&["replay", "/no/such/directory"]).status.code(), Some(3));
    assert_eq!(tokenledger(&["replay", env!("CARGO_MANIFEST_DIR")]).status.code(), Some(3));
    assert_eq!(tokenledger(&["replay"]).status.code(), Some(2));
    assert_eq!(tokenledger(&["replay", ".", "--signal", "profiles"]).status.code(), Some(2));
}

/// Scenario: a healthy collector that received metrics only; an unhealthy one; none.
/// Guarantee: codes 0, 1, 1; the first names when metrics came and why logs and traces may not have.
#[test]
fn health_is_told() {
    let page = "otelcol_processor_token_ledger_last_received{signal=\"metrics\"} 1\n";
    let healthy = Server::new(move |_, seen| match seen.path.as_str() {
        "/" => (200, "", br#"{"status":"Server available"}"#.to_vec()),
        _ => (200, "", page.as_bytes().to_vec()),
    });
    let metrics = format!("{}/metrics", healthy.url);
    let data = ["health", "--endpoint", &healthy.url, "--data", "--metrics-endpoint", &metrics];
    let output = tokenledger(&data);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in ["healthy", "metrics  last received", "logs     nothing", "OTEL_LOGS_EXPORTER", "BETA"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json = String::from_utf8(tokenledger(&[&data[..], &["--json"]].concat()).stdout).unwrap();
    assert!(
        json.contains(r#""healthy":true"#)
            && json.contains(r#"{"signal":"logs","last_received_unix_seconds":null"#),
        "{json}"
    );

    let ill = Server::new(|_, _| (503, "", b"Server not available".to_vec()));
    let output = tokenledger(&["health", "--endpoint", &ill.url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("not healthy: "));
    let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    assert_eq!(tokenledger(&["health", "--endpoint", &nobody]).status.code(), Some(1));
}
