#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
#[path = "../../engine/tests/support/mod.rs"]
mod support;
use std::time::Instant;
use support::{BEGAN, MILLI, TestBatch, point, test_key};
use tokenledger::{BatchResult, Config, Engine, Now};

fn main() {
    let streams: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let dir = std::env::args().nth(2).unwrap();
    let settings: tokenledger_storage::Settings =
        serde_json::from_str(&format!("{{\"directory\":\"{dir}\"}}")).unwrap();
    let now = |s: u64| Now { wall_unix_nano: BEGAN + s * MILLI, monotonic_nano: (1 << 53) + s * MILLI };
    let config = Config { max_streams: 4_000_000, ..Config::default() };
    let began = Instant::now();
    let opened = tokenledger_storage::open(&settings).unwrap();
    let (engine, opening) = Engine::open(config, test_key(), now(100_000), opened.keeping).unwrap();
    println!("open {:?} streams {}", began.elapsed(), opening.streams);
    if opening.streams == 0 {
        let mut result = BatchResult::default();
        for first in (0..streams).step_by(1000) {
            let mut batch = TestBatch::new(&[]);
            for i in first..first + 1000 {
                let session = format!("888cb579-08db-4809-851c-{i:012}");
                let types = ["input", "output", "cacheRead", "cacheCreation"];
                let attributes = [
                    ("user.id", "d141adbf367fd75585f159a2753f8c9421e77fa427968025b4050c42385e1d9f"),
                    ("session.id", &session),
                    ("organization.id", "d3814445-1111-4222-8333-123456789012"),
                    ("user.email", "someone@example.invalid"),
                    ("user.account_uuid", "a39ebdff-1111-4222-8333-123456789012"),
                    ("user.account_id", "user_01ABCDEFGHJKLMNPQRSTUVWX"),
                    ("terminal.type", "xterm-256color"),
                    ("model", "claude-sonnet-4-5-20250929"),
                    ("query_source", "main"),
                    ("type", types[i % 4]),
                ];
                batch.push(&point("", BEGAN + 1, BEGAN + 2, 12), &attributes);
            }
            engine.consume(&batch, now(1), &mut result).unwrap();
            engine.settle(result.ticket, now(1)).unwrap();
        }
        let began = Instant::now();
        engine.maintain(now(2), true).unwrap();
        println!("maintain {:?}", began.elapsed());
    }
}
