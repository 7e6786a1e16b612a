//! A small HTTP client for collectors: plain HTTP, no proxy, answers of limited size.

use std::time::Duration;

use ureq::Agent;

/// Longest answer that is read: a page with some hundred thousand series.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Whatever a server answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// The header of this name in whole seconds, if it is a number.
    pub retry_after: Option<Duration>,
    /// The content, decompressed never.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the status code says success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The content as text for people: one line, cut to a readable length.
    pub fn excerpt(&self) -> String {
        const MAX_CHARACTERS: usize = 300;
        let text = String::from_utf8_lossy(&self.body);
        let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let mut excerpt: String = printable.clone().take(MAX_CHARACTERS).collect();
        if printable.count() > MAX_CHARACTERS {
            excerpt.push('…');
        }
        excerpt.trim().to_owned()
    }
}

/// Talks to one or more servers; connections are kept for the next request.
#[derive(Debug)]
pub struct Client(Agent);

impl Client {
    /// A client whose requests, answer included, may take `timeout`.
    pub fn new(timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("tokenledger/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(config.into())
    }

    /// Reads a page.
    pub fn get(&self, url: &str) -> Result<Answer, ureq::Error> {
        read(self.0.get(url).header("accept", "text/plain;version=0.0.4, */*;q=0.1").call()?)
    }

    /// Sends `body` and reads the answer.
    pub fn post(&self, url: &str, content_type: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        read(self.0.post(url).header("content-type", content_type).send(body)?)
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Ok(Answer {
        status: response.status().as_u16(),
        retry_after: retry_after.map(Duration::from_secs),
        body: response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a long answer with line breaks. Guarantee: one line of readable length.
    #[test]
    fn excerpts_are_short() {
        let body = format!("no\nroom {}", "x".repeat(1000)).into_bytes();
        let excerpt = Answer { status: 503, retry_after: None, body }.excerpt();
        assert!(excerpt.starts_with("no room xxx") && excerpt.ends_with('…'));
        assert_eq!(excerpt.chars().count(), 301);
    }
}
