//! What answers on a port: the health check, OTLP, something else, or nothing.
//!
//! A check that comes each ten seconds must not fill the collector's log, and there is no greeting that every server takes
//! in silence: gRPC warns of a request of HTTP/1, HTTPS of everything but TLS. So the greeting that a port most likely expects
//! comes first, by what the configuration says of it, and the others follow only where that one was not understood.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::{Answer, Client};

/// What speaks on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// The health check says yes, or no with what it wrote.
    HealthCheck { url: String, refusal: Option<String> },
    /// OTLP: the way, for people.
    Otlp(&'static str),
    /// HTTP that is neither: pages of metrics, zpages, pprof.
    Http,
    /// TLS, whatever is inside.
    Tls,
    /// It took the connection and closed it: alive, but not to be understood.
    HangsUp,
    /// It takes connections, as the kernel does for a process that hangs, and says nothing.
    Nothing,
    /// No connection.
    Refuses(String),
}

/// Port of the health check where the configuration names none.
pub const DEFAULT_HEALTH_PORT: u16 = 13133;

/// Where a health check is usually found if it is not at the root.
const USUAL_PATHS: [&str; 4] = ["/health", "/healthz", "/ready", "/health/status"];

/// Port of OTLP over gRPC where the configuration names none.
const DEFAULT_GRPC_PORT: u16 = 4317;

/// What a collector's configuration says of its ports, as far as its mere text tells.
#[derive(Debug, Default)]
pub struct Hints {
    paths: Vec<String>,
    grpc_ports: Vec<u16>,
}

impl Hints {
    /// Reads them off the text of configuration files.
    pub fn of(configuration: &str) -> Self {
        Self { paths: configured_paths(configuration), grpc_ports: configured_grpc_ports(configuration) }
    }

    /// Whether a port most likely speaks gRPC.
    pub fn expects_grpc(&self, port: u16) -> bool {
        port == DEFAULT_GRPC_PORT || self.grpc_ports.contains(&port)
    }
}

/// A request, which an HTTPS server understands well enough to say what it is.
const HTTP1_GREETING: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// How to greet an HTTP/2 server: the preface and an empty SETTINGS frame (RFC 9113, 3.4).
const HTTP2_GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A TLS 1.2 ClientHello (RFC 5246, 7.4.1.2) with one cipher suite and no extensions. Whatever a server thinks of it, it
/// answers with a handshake or an alert.
const TLS_GREETING: &[u8] = b"\x16\x03\x01\0\x2d\x01\0\0\x29\x03\x03\
    tokenledger health check, no key\0\0\x02\xc0\x2f\x01\0";

/// Asks a listener what it is. All in all it takes no longer than until `deadline`.
pub fn ask(listener: SocketAddr, hints: &Hints, deadline: Instant) -> Speaks {
    match first_contact(listener, hints, deadline) {
        (address, Speaks::Http) => over_http(address, &hints.paths, deadline),
        (_, speaks) => speaks,
    }
}

/// Asks a port of which it is known that it should be a health check, with a single request.
pub fn ask_health_check(listener: SocketAddr, deadline: Instant) -> Option<Speaks> {
    reachable(listener).into_iter().find_map(|address| health_check(address, "/", deadline))
}

/// The address of the page with a collector's own metrics, if this port serves it.
pub fn page_of_own_metrics(listener: SocketAddr, hints: &Hints, deadline: Instant) -> Option<String> {
    /// A metric that every collector shows; names may carry suffixes.
    const SHOWN_BY_ALL: &str = "otelcol_process_uptime";
    let (address, Speaks::Http) = first_contact(listener, hints, deadline) else { return None };
    let url = format!("http://{address}/metrics");
    let page = Client::new(left(deadline)).get(&url).ok()?;
    (page.status == 200 && String::from_utf8_lossy(&page.body).contains(SHOWN_BY_ALL)).then_some(url)
}

/// Where a listener may be reached from this machine. "Every address" is not one to talk to; one of IPv6 mostly takes
/// IPv4 as well, and some containers have no IPv6 loopback.
fn reachable(listener: SocketAddr) -> Vec<SocketAddr> {
    let [v4, v6] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let candidates = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => vec![v4],
        IpAddr::V6(ip) if ip.is_unspecified() => vec![v4, v6],
        ip => vec![ip],
    };
    candidates.into_iter().map(|ip| SocketAddr::new(ip, listener.port())).collect()
}

/// Greets a listener where it is reached, and tells where that was and which protocol it answered in. gRPC is taken for OTLP.
fn first_contact(listener: SocketAddr, hints: &Hints, deadline: Instant) -> (SocketAddr, Speaks) {
    let greetings = match hints.expects_grpc(listener.port()) {
        true => [HTTP2_GREETING, HTTP1_GREETING, TLS_GREETING],
        false => [HTTP1_GREETING, HTTP2_GREETING, TLS_GREETING],
    };
    let mut contact = (listener, Speaks::HangsUp);
    for address in reachable(listener) {
        contact = (address, greet(address, &greetings, deadline));
        if !matches!(contact.1, Speaks::Refuses(_)) {
            break;
        }
    }
    contact
}

fn greet(address: SocketAddr, greetings: &[&[u8]], deadline: Instant) -> Speaks {
    for greeting in greetings {
        // A port that keeps silent leaves half of the time to ask it once more.
        match answer(address, greeting, left(deadline) / 2) {
            Heard::Bytes(bytes) => match protocol(&bytes) {
                Some(speaks) => return speaks,
                None => continue,
            },
            Heard::End => continue,
            Heard::Silence => return Speaks::Nothing,
            Heard::Refusal(error) => return Speaks::Refuses(format!("{address}: {error}")),
        }
    }
    Speaks::HangsUp
}

/// The protocol that a server's first bytes belong to.
fn protocol(bytes: &[u8]) -> Option<Speaks> {
    /// What Go's HTTPS servers answer to a request without TLS.
    const WANTS_TLS: &[u8] = b"to an HTTPS server";
    if bytes.starts_with(b"HTTP/1.") {
        let wants_tls = bytes.windows(WANTS_TLS.len()).any(|part| part == WANTS_TLS);
        return Some(if wants_tls { Speaks::Tls } else { Speaks::Http });
    }
    if is_http2_settings(bytes) {
        return Some(Speaks::Otlp("gRPC"));
    }
    is_tls(bytes).then_some(Speaks::Tls)
}

/// What is left of the time; never nothing, which sockets take for "for ever".
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(10))
}

enum Heard {
    Bytes(Vec<u8>),
    End,
    Silence,
    Refusal(io::Error),
}

/// The first bytes that a server answers to a greeting.
fn answer(address: SocketAddr, greeting: &[u8], patience: Duration) -> Heard {
    let mut stream = match TcpStream::connect_timeout(&address, patience) {
        Ok(stream) => stream,
        Err(error) => return Heard::Refusal(error),
    };
    let mut buffer = [0; 512];
    let mut converse = || {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.write_all(greeting)?;
        stream.read(&mut buffer)
    };
    let heard = converse();
    match heard {
        Ok(0) => Heard::End,
        Ok(length) => Heard::Bytes(buffer[..length].to_vec()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Heard::Silence,
        Err(_) => Heard::End,
    }
}

/// A frame of type SETTINGS on stream 0, or of type GOAWAY (RFC 9113, 4.1).
fn is_http2_settings(bytes: &[u8]) -> bool {
    bytes.len() >= 9 && matches!(bytes[3], 4 | 7) && bytes[5..9] == [0; 4]
}

/// A record of type alert or handshake (RFC 8446, 5.1).
fn is_tls(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && matches!(bytes[0], 0x15 | 0x16) && bytes[1] == 3
}

fn over_http(address: SocketAddr, paths: &[String], deadline: Instant) -> Speaks {
    let mut candidates = vec!["/"];
    candidates.extend(paths.iter().map(String::as_str).filter(|path| *path != "/"));
    candidates.extend(USUAL_PATHS.iter().filter(|usual| !paths.iter().any(|path| path == *usual)));
    let found = candidates.iter().find_map(|path| health_check(address, path, deadline));
    found.unwrap_or_else(|| if takes_otlp(address, deadline) { Speaks::Otlp("HTTP") } else { Speaks::Http })
}

fn health_check(address: SocketAddr, path: &str, deadline: Instant) -> Option<Speaks> {
    let url = format!("http://{address}{path}");
    let answer = Client::new(left(deadline)).get(&url).ok()?;
    let by_its_port = address.port() == DEFAULT_HEALTH_PORT && matches!(answer.status, 200 | 503);
    if !by_its_port && !is_health_answer(&answer) {
        return None;
    }
    let refusal = (answer.status != 200).then(|| format!("answered {}: {}", answer.status, answer.excerpt()));
    Some(Speaks::HealthCheck { url, refusal })
}

/// The extension answers `{"status":"Server available",…}`, its second version `{"healthy":true,"status":"StatusOK",…}`.
fn is_health_answer(answer: &Answer) -> bool {
    let document = serde_json::from_slice::<serde_json::Value>(&answer.body);
    let says_status = document.is_ok_and(|document| document.get("status").is_some_and(|s| s.is_string()));
    says_status && matches!(answer.status, 200 | 500 | 503)
}

/// Whether a request without content is answered on one of the paths of OTLP. Success or not does not matter: 401 asks
/// for credentials, 415 for another encoding. A receiver has only the paths of the signals that it is used for.
fn takes_otlp(address: SocketAddr, deadline: Instant) -> bool {
    ["metrics", "logs", "traces"].iter().any(|signal| {
        let url = format!("http://{address}/v1/{signal}");
        let answer = Client::new(left(deadline)).post(&url, "application/x-protobuf", &[]);
        answer.is_ok_and(|answer| !matches!(answer.status, 404 | 405))
    })
}

/// The values of `path:` in the text of a configuration, which may be those of a health check. A file's path is none the
/// worse for being asked for.
fn configured_paths(configuration: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (place, key) in configuration.match_indices("path:") {
        let before = configuration[..place].chars().next_back().unwrap_or(' ');
        let value = configuration[place + key.len()..].trim_start_matches(' ');
        let value = value.trim_start_matches(['"', '\'']);
        let end = value.find(|c: char| c.is_whitespace() || "\"',}#$".contains(c)).unwrap_or(value.len());
        let path = &value[..end];
        let is_key = !before.is_alphanumeric() && before != '_';
        if is_key && path.starts_with('/') && !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    paths
}

/// The ports of addresses before which the text speaks last of gRPC, and not of HTTP. A wrong guess costs a line in the
/// collector's log.
fn configured_grpc_ports(configuration: &str) -> Vec<u16> {
    let ports = configuration.match_indices(':').filter_map(|(place, _)| {
        let after = &configuration[place + 1..];
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let port = after[..digits].parse().ok()?;
        let before = &configuration[..place];
        (before.rfind("grpc") > before.rfind("http")).then_some(port)
    });
    ports.collect()
}

#[cfg(test)]
mod tests;
