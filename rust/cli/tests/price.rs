//! `tokenledger price` as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::process::Command;

use serde_json::Value;

/// Standard output and standard error of a run that ends with this code.
fn price(code: i32, arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tokenledger")).arg("price").args(arguments).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    out + &err
}

fn document(code: i32, arguments: &[&str]) -> Value {
    serde_json::from_str(&price(code, &[arguments, &["--json"]].concat())).unwrap()
}

fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
}

const REQUEST: [&str; 8] =
    ["--input", "1000", "--cache-read", "100000", "--cache-write-5m", "10000", "--output", "2000"];

/// Scenario: one request, on Bedrock in a region. Guarantee: row, source, table, factor, terms and result as they are,
/// aligned, and said to be no bill.
#[test]
fn a_price_is_explained() {
    let text = price(
        0,
        &[&["--model", "us.anthropic.claude-sonnet-4-6", "--at", "2026-11-20"], &REQUEST[..]].concat(),
    );
    let expected = "\
                         tokens    USD per million                USD
input                     1,000               3.00             0.0033
output                    2,000              15.00              0.033
cache read              100,000               0.30              0.033
cache write 5m           10,000               3.75            0.04125
total                                                         0.11055
";
    assert_has(
        &text,
        &[
            "model         claude-sonnet-4-6 at bedrock, regional endpoint\n",
            "named         us.anthropic.claude-sonnet-4-6\n",
            "time          2026-11-20T00:00:00Z\n",
            "row           claude-sonnet-4-6 of anthropic, valid from 2026-03-13\n",
            "source        ",
            "table         2026-11-20\n",
            "factor        1.1 for regional endpoint\n",
            expected,
            "saved 0.297 USD",
            "An estimate from list prices, not a bill",
        ],
    );
    assert!(!text.contains("assumed"), "{text}");
}

/// Scenario: the same for programs, in fast mode, with searches. Guarantee: exact texts and every part.
#[test]
fn a_price_is_explained_to_programs() {
    let options = ["--model", "claude-opus-4-8", "--fast", "--residency-us", "--web-searches", "3"];
    let document = document(0, &[&options[..], &REQUEST[..]].concat());
    assert_eq!((document["known"].as_bool(), document["usd"].as_str()), (Some(true), Some("0.3985")));
    assert_eq!(document["list_usd"], document["usd"]);
    assert_eq!(document["factors"][0]["factor"].as_str(), Some("2"));
    assert_eq!(document["factors"][1]["factor"].as_str(), Some("1.1"));
    assert_eq!(document["row"]["model"].as_str(), Some("claude-opus-4-8"));
    let terms = document["terms"].as_array().unwrap();
    assert_eq!(terms.len(), 5);
    assert_eq!(terms[4]["type"].as_str(), Some("web_search"));
    assert_eq!(terms[4]["usd"].as_str(), Some("0.03"));
    assert!(document["estimate"].as_str().unwrap().contains("not a bill"));
}

/// Scenario: a count of input that includes cached tokens, above a threshold; and one that cannot include them.
/// Guarantee: what was cached is not paid twice, the cliff is told; the impossible is refused.
#[test]
fn inclusive_counts_are_taken_apart() {
    let counts = ["--inclusive", "--input", "300000", "--cache-read", "250000", "--output", "5000"];
    let request = [&["--model", "gpt-5.4", "--at", "2026-11-20"], &counts[..]].concat();
    let text = price(0, &request);
    assert_has(
        &text,
        &["300,000 tokens of input are above 272,000: upper prices", "input                    50,000"],
    );
    let document = document(0, &request);
    assert_eq!(document["usd"].as_str(), Some("0.4875"));
    assert_eq!(document["long_context"]["applies"].as_bool(), Some(true));
    let refused = ["--model", "gpt-5.4", "--inclusive", "--input", "3", "--cache-read", "4"];
    assert_has(&price(3, &refused), &["--input 3 cannot include", "--inclusive"]);
}

/// Scenario: the same model one day apart, without any tokens. Guarantee: the price list of that day.
#[test]
fn the_time_chooses_the_row() {
    let at = |day| price(0, &["--model", "claude-sonnet-5-5", "--at", day]);
    assert_has(
        &at("2026-10-06"),
        &["valid until before 2026-10-07", "cache read                                    0.20\n"],
    );
    assert_has(
        &at("2026-10-07T00:00:00Z"),
        &["valid from 2026-10-07", "cache read                                    0.10\n"],
    );
    assert_has(&price(2, &["--model", "x", "--at", "soon"]), &["2026-10-07T12:00:00Z"]);
}

/// Scenario: conditions that have no effect on a model, and a name without a region.
/// Guarantee: each is said, and so is the assumption.
#[test]
fn what_changes_nothing_is_said() {
    let text = price(0, &["--model", "claude-haiku-4-5", "--fast", "--regional", "--residency-us"]);
    assert_has(
        &text,
        &[
            "--fast changes nothing",
            "--regional changes nothing at anthropic",
            "--residency-us changes nothing",
        ],
    );
    let text = price(0, &["--model", "gpt-5-nano", "--priority", "--web-searches", "1"]);
    assert_has(&text, &["--priority changes nothing", "no price for web searches"]);
    let text = price(0, &["--model", "anthropic.claude-opus-4-8"]);
    assert_has(&text, &["regional endpoint, assumed", "a regional endpoint is assumed"]);
    let text = price(0, &["--model", "claude-opus-4-8", "--provider", "aws.bedrock", "--regional"]);
    assert!(text.contains("1.1 for regional endpoint\n") && !text.contains("assumed"), "{text}");
    price(2, &["--model", "claude-opus-4-8", "--fast", "--batch"]);
}

/// Scenario: a mistyped model, an opaque ARN, and a model at a time without a row.
/// Guarantee: exit code 1; what was looked for, what looks like it, and what to do.
#[test]
fn an_unknown_model_is_told_with_its_remedy() {
    assert_has(
        &price(1, &["--model", "us.anthropic.Claude-Opus-4.88-v1:0"]),
        &[
            "no price is known for \"claude-opus-4-88\"",
            "did you mean claude-opus-4-8",
            "aliases.\"us.anthropic",
            "[[price]]",
        ],
    );
    let unknown = document(1, &["--model", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"]);
    assert_eq!((unknown["known"].as_bool(), unknown["model"].as_str()), (Some(false), Some("")));
    assert_eq!(unknown["did_you_mean"], Value::Array(Vec::new()));
    assert!(unknown["remedy"].as_str().unwrap().contains("aliases.\"arn:aws"));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("prices.toml");
    fs::write(
        &file,
        "[[price]]\nprovider = \"a\"\nmodel = \"m\"\nfrom = 2026-01-01\ninput = 1\noutput = 1\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let text = price(1, &["--model", "m", "--at", "2025-12-31", "--prices", file]);
    assert_has(
        &text,
        &["m has no price at 2025-12-31T00:00:00Z; it has prices since 2026-01-01", "[[price]]"],
    );
}

/// Scenario: a price file with an alias, a discount and a currency; one with a mistake; none where one is named.
/// Guarantee: list price, discount and currency are shown; mistakes are told with file, line and remedy.
#[test]
fn a_price_file_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("prices.toml");
    let file = path.to_str().unwrap();
    fs::write(
        &path,
        "version = \"contract-7\"\ncurrency = { code = \"EUR\", per_usd = 0.92 }\n\
         [aliases]\nbig = \"claude-opus-4-8\"\n[[discount]]\npercent = 12.5\n",
    )
    .unwrap();
    let request = ["--model", "big", "--input", "1000", "--cache-read", "20000", "--prices", file];
    assert_has(
        &price(0, &request),
        &[
            "model         claude-opus-4-8 at anthropic",
            "table         2026-11-20+contract-7",
            "discount      12.5 %",
            "at list price                                                   0.015\n",
            "discount                                                    -0.001875\n",
            "total                                                        0.013125\n",
            "in EUR                                0.92 per USD           0.012075\n",
        ],
    );
    let document = document(0, &request);
    assert_eq!(document["list_usd"].as_str(), Some("0.015"));
    assert_eq!(document["usd"].as_str(), Some("0.013125"));
    assert_eq!(document["in_currency"]["code"].as_str(), Some("EUR"));

    fs::write(&path, "\n[[discount]]\npercent = 120\n").unwrap();
    assert_has(&price(3, &request), &["prices.toml: line 2, discount 1: percent", "between 0 and 100"]);
    fs::remove_file(&path).unwrap();
    assert_has(&price(3, &request), &["the price file", "prices.toml cannot be read", "No such file"]);
}

/// Scenario: the list, of all sellers, of one, and of one that does not exist; as text and as JSON.
/// Guarantee: every model with its prices; exit code 1 for an empty list; no list beside a model.
#[test]
fn the_list_shows_what_is_known() {
    let all = price(0, &["--list", "--at", "2026-11-20"]);
    assert_has(
        &all,
        &["gpt-5.4", "gemini-2.5-pro", "claude-opus-5-5", "above 200,000 tokens of input", "not a bill"],
    );
    let one = price(0, &["--list", "--provider", "Anthropic", "--at", "2026-11-20"]);
    assert!(
        one.contains("claude-haiku-5-5       0.10     0.50      0.01     0.125      0.20  above 100,000"),
        "{one}"
    );
    assert!(!one.contains("gpt-5.4"), "{one}");
    let models = document(0, &["--list", "--provider", "gcp.gemini"]);
    let models = models["models"].as_array().unwrap();
    assert!(models.iter().any(|model| model["model"] == "gemini-2.5-pro"));
    assert!(models.iter().all(|model| model["provider"] == "google"));
    price(1, &["--list", "--provider", "nobody"]);
    price(2, &["--list", "--model", "gpt-5.4"]);
    price(2, &["--list", "--input", "1"]);
    price(2, &[]);
}
