//! The price table across the C boundary as a C caller uses it, right and wrong. Runs under AddressSanitizer and
//! valgrind too (`scripts/check-memory.sh`).
#![allow(clippy::unwrap_used)]

mod support;

use std::ptr::{null, null_mut};

use support::client::{CONFIG, Client, text};
use support::{BEGAN, FlatBuilder, attributes};
use tokenledger_ffi::prices::*;
use tokenledger_ffi::*;

const FILE: &str = "version = \"ours\"\n[[price]]\nprovider = \"anthropic\"\nmodel = \"contract-1\"\ninput = 1\n\
                    output = 2\ncache_read = 0.1\nsource = \"contract\"\n[currency]\ncode = \"EUR\"\nper_usd = 0.9\n";

/// How many tables are made and freed where leaks are looked for.
const ROUNDS: usize = 200;

fn no_error() -> Error {
    Error { offset: 0, length: 0, fresh: 0, message: [0; MESSAGE_BYTES] }
}

/// A table that is freed with it.
struct Table(*mut PricesHandle);

// SAFETY: a table is immutable; the functions that are called of several threads take it by a const pointer.
unsafe impl Sync for Table {}

impl Table {
    fn new(file: &[u8]) -> Result<Self, (Status, String)> {
        let (mut prices, mut error) = (null_mut(), no_error());
        // SAFETY: all pointers are to live values of this function.
        let status = unsafe { tl_prices_create(file.as_ptr(), file.len(), &mut prices, &mut error) };
        if status == Status::Ok { Ok(Self(prices)) } else { Err((status, text(&error).to_owned())) }
    }

    /// What a request costs; `None` if no price is known.
    fn price(&self, model: &[u8], provider: &[u8], request: &PriceRequest) -> Option<PriceAnswer> {
        let (mut answer, mut error) = (no_answer(), no_error());
        // SAFETY: a live table; all other pointers are to live values of this function.
        let status = unsafe {
            tl_prices_request(
                self.0,
                model.as_ptr(),
                model.len(),
                provider.as_ptr(),
                provider.len(),
                request,
                &mut answer,
                &mut error,
            )
        };
        assert_eq!(status, Status::Ok, "{}", text(&error));
        (answer.known == 1).then_some(answer)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: it came from tl_prices_create and is not used again.
        unsafe { tl_prices_destroy(self.0) };
    }
}

fn no_answer() -> PriceAnswer {
    let nothing = || TextView { text: null(), text_bytes: 0 };
    PriceAnswer {
        tokens_pico: [-1; TOKEN_CLASSES],
        web_searches_pico: -1,
        total_pico: -1,
        list_pico: -1,
        savings_pico: -1,
        provider: nothing(),
        model: nothing(),
        known: 9,
        long_context: 9,
    }
}

fn request(tokens: u64, modifiers: u32) -> PriceRequest {
    PriceRequest {
        tokens: [tokens; TOKEN_CLASSES],
        web_searches: 1,
        unix_nano: BEGAN,
        modifiers,
        reserved: 0,
    }
}

fn view(view: &TextView) -> String {
    // SAFETY: the library says that so many bytes can be read while the table lives.
    let bytes = unsafe { std::slice::from_raw_parts(view.text, view.text_bytes as usize) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Scenario: a user's file, and a request to each kind of model. Guarantee: prices, names, version and currency.
#[test]
fn requests_have_their_price() {
    let table = Table::new(FILE.as_bytes()).unwrap();
    let answer = table.price(b"contract-1", b"", &request(1_000_000, 0)).unwrap();
    assert_eq!(answer.tokens_pico[..3], [1_000_000_000_000, 2_000_000_000_000, 100_000_000_000]);
    assert_eq!(answer.savings_pico, 900_000_000_000);
    assert_eq!((view(&answer.provider), view(&answer.model)), ("anthropic".into(), "contract-1".into()));
    assert!(table.price(b"made-up", b"", &request(1, 0)).is_none());
    let (mut version, mut code, mut per_usd) = (no_answer().model, no_answer().model, 0.0);
    // SAFETY: a live table, views of this function.
    unsafe {
        assert!(tl_prices_version(table.0, &mut version));
        assert!(tl_prices_currency(table.0, &mut code, &mut per_usd));
    }
    assert!(view(&version).ends_with("+ours"));
    assert_eq!((view(&code).as_str(), per_usd), ("EUR", 0.9));
}

/// Scenario: null for each pointer in turn, lengths that nothing has. Guarantee: an error each time, and what could
/// not be written stays as it was.
#[test]
fn null_pointers_are_errors() {
    let table = Table::new(b"").unwrap();
    let client = Client::new(CONFIG).unwrap();
    let (mut made, mut error, asked, mut answer) = (null_mut(), no_error(), request(1, 0), no_answer());
    let (name, bytes) = (b"claude-opus-4-8".as_ptr(), 15);
    let (invalid, mut per_usd) = (Status::InvalidArgument, 0.0);
    let mut code = no_answer().model;
    // SAFETY: each pointer is null or live, and a length is that of its text or refused.
    unsafe {
        assert_eq!(tl_prices_create(null(), 5, &mut made, &mut error), invalid);
        assert_eq!(tl_prices_create(name, usize::MAX, &mut made, &mut error), invalid);
        assert_eq!(tl_prices_create(null(), 0, null_mut(), &mut error), invalid);
        assert!(made.is_null());
        assert_eq!(tl_prices_create(null(), 0, null_mut(), null_mut()), invalid);
        let ask = |prices, name, bytes, provider, size, request, answer, error| {
            tl_prices_request(prices, name, bytes, provider, size, request, answer, error)
        };
        let (found, fault): (*mut PriceAnswer, *mut Error) = (&mut answer, &mut error);
        assert_eq!(ask(null(), name, bytes, null(), 0, &asked, found, fault), invalid);
        assert_eq!(ask(table.0, null(), 5, null(), 0, &asked, found, fault), invalid);
        assert_eq!(ask(table.0, name, usize::MAX, null(), 0, &asked, found, fault), invalid);
        assert_eq!(ask(table.0, name, bytes, null(), 1, &asked, found, fault), invalid);
        assert_eq!(ask(table.0, name, bytes, name, usize::MAX, &asked, found, fault), invalid);
        assert_eq!(ask(table.0, name, bytes, null(), 0, null(), found, fault), invalid);
        assert_eq!(ask(table.0, name, bytes, null(), 0, &asked, null_mut(), fault), invalid);
        assert_eq!((*found).known, 9, "untouched");
        assert_eq!(ask(table.0, name, bytes, null(), 0, &asked, found, null_mut()), Status::Ok);
        assert_eq!((*found).known, 1);
        assert_eq!(ask(table.0, null(), 0, null(), 0, &asked, found, fault), Status::Ok);
        assert_eq!((*found).known, 0, "no name, no price");
        assert_eq!(tl_engine_set_prices(null(), table.0, fault), invalid);
        assert_eq!(tl_engine_set_prices(client.engine, null(), fault), invalid);
        assert!(!tl_prices_version(null(), &mut code) && !tl_prices_version(table.0, null_mut()));
        assert!(!tl_prices_currency(null(), &mut code, &mut per_usd));
        assert!(!tl_prices_currency(table.0, &mut code, &mut per_usd), "none is written");
        tl_prices_destroy(null_mut());
    }
}

/// Scenario: texts that are none, and very long ones. Guarantee: a file that cannot be read is refused with a reason;
/// a name that nobody has has no price.
#[test]
fn texts_that_are_none_have_no_price() {
    for file in [&b"\xff\xfe"[..], b"[[price]]\nmodel = 7\n", &vec![b'['; 1 << 20], &vec![b'x'; 1 << 20]] {
        let (status, reason) = Table::new(file).err().unwrap();
        assert_eq!(status, Status::Configuration);
        assert!(!reason.is_empty());
    }
    let deep = format!("a = {}", "[".repeat(100_000));
    assert_eq!(Table::new(deep.as_bytes()).err().unwrap().0, Status::Configuration);
    let table = Table::new(FILE.as_bytes()).unwrap();
    let long = vec![b'm'; 1 << 20];
    for model in [&b"\xff\xfe"[..], b"\0", b"", &long, b"contract-1\0", "\u{202e}".as_bytes()] {
        assert!(table.price(model, b"", &request(1, 0)).is_none(), "{:?}", &model[..model.len().min(20)]);
        let _ = table.price(b"contract-1", model, &request(1, 0));
    }
}

/// Scenario: numbers at the ends of what fits, at each moment and under each condition. Guarantee: amounts stop at
/// the ends of 64 bits, none is below zero.
#[test]
fn absurd_numbers_stop_at_the_ends() {
    let dear = "[[price]]\nprovider = \"anthropic\"\nmodel = \"dear\"\ninput = 10000\noutput = 10000\n\
                fast = 6\nresidency_us = 1.1\nregional = 1.1\nbatch = 0.5\nsource = \"test\"\n";
    let table = Table::new(dear.as_bytes()).unwrap();
    for model in ["dear", "claude-opus-4-6", "gpt-5.6-luna", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"] {
        for modifiers in (0..64).chain([u32::MAX]) {
            for unix_nano in [0, 1, BEGAN, u64::MAX - 1, u64::MAX] {
                let asked =
                    PriceRequest { unix_nano, web_searches: u64::MAX, ..request(u64::MAX, modifiers) };
                let Some(answer) = table.price(model.as_bytes(), b"", &asked) else { continue };
                assert!(answer.tokens_pico.iter().all(|pico| *pico >= 0), "{model} {answer:?}");
                assert_eq!((answer.total_pico, answer.list_pico), (i64::MAX, i64::MAX), "{model}");
            }
        }
    }
}

/// Scenario: an engine takes a table, the table is freed, another follows. Guarantee: the engine goes on with its
/// own; the bytes of the freed one are not read again.
#[test]
fn an_engine_outlives_its_table() {
    let config = CONFIG.replacen('{', "{\"pricing\": {}, ", 1);
    let mut client = Client::new(&config).unwrap();
    for round in 0..3 {
        let table = Table::new(FILE.as_bytes()).unwrap();
        // SAFETY: live handles.
        let status = unsafe { tl_engine_set_prices(client.engine, table.0, &mut client.error) };
        assert_eq!(status, Status::Ok);
        drop(table);
        let of = attributes(&[("model", "contract-1"), ("type", "input")]);
        let second = 50 + round;
        let batch = FlatBuilder::new(100 + round).metric("claude_code.token.usage");
        assert_eq!(client.consume(&batch.point_with(&of, second, 1_000).build()), Status::Ok);
        assert!(client.tick(100 + round).unwrap() > 0, "costs go out at the tick");
    }
}

/// Scenario: tables come and go, good ones and bad ones. Guarantee: nothing leaks (under the tools of
/// `scripts/check-memory.sh`).
#[test]
fn tables_are_freed() {
    for round in 0..ROUNDS {
        let file = if round % 2 == 0 { FILE.to_owned() } else { format!("{FILE}\nnonsense") };
        let table = Table::new(file.as_bytes());
        assert_eq!(table.is_ok(), round % 2 == 0);
        let answer = table.ok().and_then(|table| table.price(b"contract-1", b"", &request(1, 0)));
        assert_eq!(answer.is_some(), round % 2 == 0);
    }
}

/// Scenario: several threads ask one table. Guarantee: each gets the same answer.
#[test]
fn threads_share_a_table() {
    let table = Table::new(FILE.as_bytes()).unwrap();
    let table = &table;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                for _ in 0..200 {
                    let answer = table.price(b"contract-1", b"anthropic", &request(1_000_000, 0)).unwrap();
                    assert_eq!(answer.tokens_pico[0], 1_000_000_000_000);
                }
            });
        }
    });
}
