//! A user's file before the built-in table: rows, aliases, discounts, currency, and what is wrong with a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use tokenledger_prices::{Class, Modifiers, Prices, Rate, Tokens, moment};

const NOW: &str = "2026-11-20";

fn prices(text: &str) -> Prices {
    Prices::with_user_file(text).unwrap_or_else(|error| panic!("{error}"))
}

fn rate(prices: &Prices, model: &str, class: Class, at: &str) -> Option<Rate> {
    prices.find(model, "").expect(model).rate(class, moment(at).unwrap(), Modifiers::default())
}

/// Dollars per million tokens of input.
fn input(prices: &Prices, model: &str, at: &str) -> f64 {
    rate(prices, model, Class::Input, at).expect(model).per_token as f64 / 1e6
}

/// Scenario: no file, an empty one, one with comments only. Guarantee: the built-in table, under its own version.
#[test]
fn an_empty_file_changes_nothing() {
    let built_in = Prices::built_in().unwrap();
    for text in ["", "\n", "# nothing yet\n"] {
        assert_eq!(prices(text).version(), built_in.version());
        assert_eq!(prices(text).models().count(), built_in.models().count());
    }
}

/// Scenario: files with and without a version. Guarantee: the version names both tables, and tells files apart.
#[test]
fn the_version_names_both_tables() {
    let built_in = Prices::built_in().unwrap().version().to_owned();
    assert_eq!(prices("version = \"contract-7\"").version(), format!("{built_in}+contract-7"));
    let [one, other] =
        ["5", "6"].map(|percent| prices(&format!("[[discount]]\npercent = {percent}")).version().to_owned());
    assert!(one.starts_with(&format!("{built_in}+")) && one != other, "{one} {other}");
}

/// Scenario: a user's row for a built-in model, for a part of its time.
/// Guarantee: it replaces the built-in row in that time as a whole, and takes over none of its fields; before and after
/// it the built-in row holds; how long a price stays is told accordingly.
#[test]
fn a_users_row_replaces_the_built_in_one_in_its_period() {
    let prices = prices(
        "[[price]]\nprovider = \"anthropic\"\nmodel = \"claude-opus-4-8\"\n\
         from = 2026-06-01\nto = 2026-07-01\ninput = 3\noutput = 12\n",
    );
    for (at, expected) in
        [("2026-05-31", 5.0), ("2026-06-01", 3.0), ("2026-06-30T23:59:59Z", 3.0), ("2026-07-01", 5.0)]
    {
        assert_eq!(input(&prices, "claude-opus-4-8-20260501", at), expected, "{at}");
    }
    let [june, july] = ["2026-06-01", "2026-07-01"].map(|text| moment(text).unwrap());
    let valid = |at| rate(&prices, "claude-opus-4-8", Class::Input, at).unwrap().valid;
    assert_eq!(["2026-05-31", "2026-06-15", NOW].map(valid), [0..june, june..july, july..u64::MAX]);
    let read = rate(&prices, "claude-opus-4-8", Class::CacheRead, "2026-06-15").unwrap();
    assert_eq!((read.per_token, read.saved_per_token), (3_000_000, 0), "no price of reads: as input");
    let found = prices.find("claude-opus-4-8", "").unwrap();
    let answer = found.price(&Tokens::default(), 1, june, Modifiers::default()).unwrap();
    assert_eq!((answer.row.source.as_str(), answer.unpriced_web_searches), ("the user's file", 1));
    assert_eq!(found.rows().count(), 3);
}

/// Scenario: a user's row for a model from a cloud that has no rows of its own, from a date on.
/// Guarantee: it counts for that cloud alone; before the date the maker's row does, with its regional factor.
#[test]
fn a_row_for_one_seller_leaves_the_others_alone() {
    let prices = prices(
        "[[price]]\nprovider = \"aws.bedrock\"\nmodel = \"claude-opus-4-8\"\nfrom = 2026-06-01\n\
         input = 4\noutput = 20\nregional = 1.05\n",
    );
    assert_eq!(input(&prices, "us.anthropic.claude-opus-4-8", NOW), 4.2);
    assert_eq!(input(&prices, "global.anthropic.claude-opus-4-8", NOW), 4.0);
    assert_eq!(input(&prices, "us.anthropic.claude-opus-4-8", "2026-05-31"), 5.5);
    assert_eq!(input(&prices, "claude-opus-4-8", NOW), 5.0);
    let before = rate(&prices, "us.anthropic.claude-opus-4-8", Class::Input, "2026-05-31").unwrap();
    assert_eq!(before.valid, 0..moment("2026-06-01").unwrap());
}

/// Scenario: a user's row for a model that the built-in table does not have, free of charge.
/// Guarantee: it is found under each of its names, also where the client states another provider; it costs nothing,
/// which is not the same as having no price.
#[test]
fn a_row_may_be_free() {
    let prices = prices(
        "[[price]]\nprovider = \"our-gpu\"\nmodel = \"llama-3.3-70b\"\nnames = [\"llama3.3:70b\"]\ninput = 0\noutput = 0\n",
    );
    for (model, provider) in [("llama-3.3-70b", ""), ("llama3.3:70b", "openai"), ("Llama-3.3-70B", "our-gpu")]
    {
        let found = prices.find(model, provider).expect(model);
        let answer = found.price(&Tokens([1_000; 6]), 0, 0, Modifiers::default()).unwrap();
        assert_eq!(answer.amounts.total(), 0);
    }
    assert_eq!(prices.find("llama-3.3-70b", "our-gpu").unwrap().provider, "our-gpu");
}

/// Scenario: a model whose reads from a cache cost more than input. Guarantee: nothing is saved, and nothing is lost.
#[test]
fn dear_reads_save_nothing() {
    let prices =
        prices("[[price]]\nprovider = \"a\"\nmodel = \"m\"\ninput = 1\noutput = 1\ncache_read = 2\n");
    let read = rate(&prices, "m", Class::CacheRead, NOW).unwrap();
    assert_eq!((read.per_token, read.saved_per_token), (2_000_000, 0));
}

/// Scenario: a model with rows for two periods that touch, and a gap before, after and none between.
/// Guarantee: a moment belongs to the row that begins with it; outside of both there is no price, not even the last one.
#[test]
fn outside_of_its_periods_a_model_has_no_price() {
    let row = |from, to, input| {
        format!(
            "[[price]]\nprovider = \"a\"\nmodel = \"m\"\nfrom = {from}\nto = {to}\ninput = {input}\noutput = 1\n"
        )
    };
    let prices = prices(&(row("2026-03-01", "2026-04-01", 2) + &row("2026-02-01", "2026-03-01", 1)));
    for (at, expected) in [
        ("2026-01-31T23:59:59Z", None),
        ("2026-02-01", Some(1_000_000)),
        ("2026-03-01", Some(2_000_000)),
        ("2026-03-31T23:59:59Z", Some(2_000_000)),
        ("2026-04-01", None),
    ] {
        let rate = rate(&prices, "m", Class::Input, at);
        assert_eq!(rate.map(|rate| rate.per_token), expected, "{at}");
    }
}

/// Scenario: aliases for ARNs of application inference profiles, for a deployment and for a short name; in other letters
/// than clients use. Guarantee: the price of what they stand for, at the seller and in the region that the names tell.
#[test]
fn aliases_stand_for_models() {
    const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/AbC123";
    let prices = prices(&format!(
        "[aliases]\n\"{ARN}\" = \"global.anthropic.claude-opus-4-8\"\n\"{ARN}4\" = \"claude-opus-4-8\"\n\
         \"My-Deployment\" = \"claude-sonnet-5\"\nopus = \"claude-opus-5-5\"\n\"claude-9-sonnet\" = \"claude-sonnet-5\"\n"
    ));
    for (model, provider, seller, expected) in [
        (ARN.to_owned(), "", "bedrock", 5.0),
        (ARN.to_lowercase(), "aws.bedrock", "bedrock", 5.0),
        (format!("{ARN}4"), "", "bedrock", 5.5),
        ("my-deployment".to_owned(), "azure", "azure", 2.0),
        ("azure/my-deployment".to_owned(), "", "azure", 2.0),
        ("opus[1m]".to_owned(), "", "anthropic", 4.0),
        ("us.anthropic.opus".to_owned(), "", "bedrock", 4.4),
        ("anthropic/claude-sonnet-9".to_owned(), "", "anthropic", 2.0),
    ] {
        let found = prices.find(&model, provider).unwrap_or_else(|| panic!("{model}"));
        let rate = found.rate(Class::Input, moment(NOW).unwrap(), Modifiers::default()).unwrap();
        assert_eq!((found.provider, rate.per_token as f64 / 1e6), (seller, expected), "{model}");
    }
    assert!(prices.find(&format!("{ARN}5"), "").is_none());
}

/// Scenario: discounts for a family, for a period, for a seller, and for everything.
/// Guarantee: the first that matches counts; the list price stays beside what is paid; searches are discounted too.
#[test]
fn discounts_come_last_and_keep_the_list_price() {
    let prices = prices(
        "[[discount]]\nmodel = \"claude-opus-*\"\nfrom = 2026-06-01\nto = 2026-07-01\npercent = 50\n\
         [[discount]]\nprovider = \"aws.bedrock\"\npercent = 12.5\n\
         [[discount]]\nprovider = \"openai\"\nmodel = \"gpt-5.4\"\npercent = 100\n\
         [[discount]]\nmodel = \"claude-*\"\npercent = 10\n",
    );
    for (model, at, expected) in [
        ("claude-opus-4-8", NOW, 4.5),
        ("claude-opus-4-8", "2026-06-15", 2.5),
        ("claude-sonnet-5", "2026-06-15", 1.8),
        ("global.anthropic.claude-opus-4-8", NOW, 4.375),
        ("us.anthropic.claude-opus-4-8", NOW, 4.8125),
        ("gpt-5.4", NOW, 0.0),
        ("gpt-5.4-mini", NOW, 0.75),
    ] {
        assert_eq!(input(&prices, model, at), expected, "{model} at {at}");
    }
    let [june, july] = ["2026-06-01", "2026-07-01"].map(|text| moment(text).unwrap());
    let valid = |at| rate(&prices, "claude-opus-4-8", Class::Input, at).unwrap().valid;
    assert_eq!(["2026-05-31", "2026-06-15", NOW].map(valid), [0..june, june..july, july..u64::MAX]);

    let found = prices.find("claude-opus-4-8", "").unwrap();
    let answer = found.price(&Tokens([1_000, 0, 1_000, 0, 0, 0]), 1, july, Modifiers::default()).unwrap();
    assert_eq!((answer.list.tokens[0], answer.amounts.tokens[0]), (5_000_000_000, 4_500_000_000));
    assert_eq!((answer.list.web_searches, answer.amounts.web_searches), (10_000_000_000, 9_000_000_000));
    assert_eq!(answer.savings, 4_050_000_000);
    let explanation = found.explain(&Tokens::default(), 0, july, Modifiers::default()).unwrap();
    assert_eq!(explanation.discount.map(|discount| discount.percent), Some(10.0));
}

/// Scenario: a currency. Guarantee: it is there for whoever shows amounts; amounts stay dollars.
#[test]
fn a_currency_is_kept_beside() {
    let prices = prices("currency = { code = \"EUR\", per_usd = 0.92 }");
    let currency = prices.currency().unwrap();
    assert_eq!((currency.code.as_str(), currency.per_usd), ("EUR", 0.92));
    assert_eq!(input(&prices, "claude-opus-4-8", NOW), 5.0);
    assert!(Prices::built_in().unwrap().currency().is_none());
}

const ROW: &str = "[[price]]\nprovider = \"a\"\nmodel = \"m\"\ninput = 1\noutput = 2\n";

/// Scenario: files with one mistake each. Guarantee: each is refused, with its line or entry, and what to do.
#[test]
fn mistakes_are_named_with_their_remedy() {
    let row = |more: &str| format!("# first\n{ROW}{more}\n");
    let second = |more: &str| format!("{ROW}\n{ROW}{more}\n");
    for (text, parts) in [
        ("[[price]\n".to_owned(), vec!["line 1: "]),
        ("\n\nprise = 1\n".to_owned(), vec!["line 3: ", "prise", "price"]),
        (row("inputt = 3"), vec!["line 7: ", "inputt"]),
        (row("cache_read = \"0.1\""), vec!["line 7: ", "string"]),
        (
            row("cache_read = -0.1"),
            vec!["line 2, price 1 (m of a): ", "cache_read", "-0.1", "between 0 and 10000"],
        ),
        (row("cache_read = inf"), vec!["cache_read", "between 0 and 10000"]),
        (row("cache_read = nan"), vec!["cache_read is missing or no number", "dollars per million tokens"]),
        (row("cache_write_1h = 0.0000001"), vec!["cache_write_1h", "more than 6 decimal places", "round"]),
        (row("cache_write_5m = 10001"), vec!["cache_write_5m", "between 0 and 10000"]),
        (row("reasoning = 1e300"), vec!["reasoning", "between 0 and 10000"]),
        (row("batch = 0"), vec!["batch", "free", "prices of 0"]),
        (row("fast = 101"), vec!["fast", "between 0 and 100"]),
        (row("regional = 1.00001"), vec!["regional", "more than 4 decimal places"]),
        (row("web_search = -1"), vec!["web_search", "between 0 and 100"]),
        (row("from = 2026-07-01\nto = 2026-07-01"), vec!["line 2", "period is empty", "after `from`"]),
        (row("from = 12:00:00"), vec!["from", "time of day without a date"]),
        (row("from = 1969-12-31"), vec!["from", "between 1970 and 2554"]),
        (row("names = [\"m\"]"), vec!["\"m\" is there twice", "remove one"]),
        (row("names = [\" \"]"), vec!["name is empty"]),
        (row("long_context = { input = 1, output = 2 }"), vec!["long_context.above", "number of tokens"]),
        (row("long_context = { above = 1, input = 1 }"), vec!["long_context.output is missing"]),
        (row("long_context = { above = 1, input = 1, output = 2, outputs = 3 }"), vec!["line 7", "outputs"]),
        (row("priority = { input = -1, output = 2 }"), vec!["priority.input", "between"]),
        (
            row("cache_read = 9000\npriority = { input = 9000, output = 2 }"),
            vec!["priority.cache_read", "write it down"],
        ),
        (second(""), vec!["line 7, price 2 (m of a): ", "overlaps", "`to`"]),
        (second("from = 2026-01-01"), vec!["line 7", "overlaps"]),
        (
            format!("{ROW}to = 2026-07-01\n{ROW}from = 2026-06-30T23:59:59Z\n"),
            vec!["line 7, price 2 (m of a): ", "overlaps"],
        ),
        (
            format!("{ROW}from = 2026-06-01\n{ROW}to = 2026-06-02\n"),
            vec!["line 7, price 2 (m of a): ", "overlaps"],
        ),
        (
            format!("{ROW}{}", ROW.replace("\"m\"", "\"n\"\nnames = [\"m\"]")),
            vec!["\"m\" is a name both of m and of n from a", "remove"],
        ),
        (
            "[[price]]\nmodel = \"m\"\ninput = 1\noutput = 1".to_owned(),
            vec!["line 1", "(m of nobody)", "provider is missing"],
        ),
        ("[[price]]\nprovider = \"a\"\ninput = 1\noutput = 1".to_owned(), vec!["line 1", "model is missing"]),
        ("price = [\n {},\n]".to_owned(), vec!["line 2, price 1: ", "provider is missing"]),
        (
            "[[price]]\nprovider = \"a\"\nmodel = \"m\"\noutput = 1".to_owned(),
            vec!["input is missing", "0 if it is free"],
        ),
        (
            "[aliases]\nx = \"claude-opus-4-88\"".to_owned(),
            vec!["alias \"x\"", "no price is known", "claude-opus-4-8?", "[[price]]"],
        ),
        ("[aliases]\n\" \" = \"claude-opus-4-8\"".to_owned(), vec!["alias", "1 to 512 bytes"]),
        (
            "[aliases]\nx = \"claude-opus-4-8\"\nX = \"claude-opus-5\"".to_owned(),
            vec!["two models", "remove one"],
        ),
        ("[[discount]]\nprovider = \"a\"".to_owned(), vec!["line 1, discount 1: ", "percent is missing"]),
        ("[[discount]]\npercent = 101".to_owned(), vec!["percent", "between 0 and 100"]),
        ("[[discount]]\npercent = -1".to_owned(), vec!["percent", "between 0 and 100"]),
        ("[[discount]]\npercent = 1.001".to_owned(), vec!["percent", "more than 2 decimal places"]),
        ("[[discount]]\npercent = 1\nmodel = \"\"".to_owned(), vec!["empty", "leave it out"]),
        ("[[discount]]\npercent = 1\nfrom = 2026-02-01\nto = 2026-01-01".to_owned(), vec!["period is empty"]),
        (
            "[[discount]]\npercent = 1\n[[discount]]\npercent = 1\nmodel = \"claude-opus-4-88\"".to_owned(),
            vec!["line 3, discount 2: ", "no price is known", "claude-opus-4-8?"],
        ),
        (
            "currency = { code = \"Euro\", per_usd = 1 }".to_owned(),
            vec!["currency", "\"Euro\"", "ISO 4217", "EUR"],
        ),
        (
            "currency = { code = \"EUR\", per_usd = 0 }".to_owned(),
            vec!["currency", "per_usd is 0", "one dollar"],
        ),
        ("currency = { code = \"EUR\" }".to_owned(), vec!["per_usd"]),
    ] {
        let error = Prices::with_user_file(&text).expect_err(&text).to_string();
        for part in parts {
            assert!(error.contains(part), "{part:?} is missing in {error:?} about\n{text}");
        }
        assert!(!error.contains('\n'), "{error:?} has several lines");
    }
}

fn toml_pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "[[price]]\n",
        "[[discount]]\n",
        "[aliases]\n",
        "provider = \"a\"\n",
        "model = \"m\"\n",
        "model = \"*\"\n",
        "input = 1\n",
        "output = 2.5\n",
        "cache_read = 0.1\n",
        "fast = 2\n",
        "percent = 10\n",
        "from = 2026-01-01\n",
        "to = 2026-01-01T00:00:00Z\n",
        "names = [\"n\"]\n",
        "opus = \"claude-opus-5\"\n",
        "= ",
        "nan",
        "\"",
        "[",
        "{",
        "long_context = { above = 1, input = 1, output = 1 }\n",
        "currency = { code = \"EUR\", per_usd = 1 }\n",
        "ä",
        "#",
    ]);
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Scenario: any text as a file, and texts made of the parts of one. Guarantee: a table or an error, no panic.
    #[test]
    fn any_text_is_a_table_or_an_error(text in prop_oneof![".*", toml_pieces()]) {
        match Prices::with_user_file(&text) {
            Ok(prices) => prop_assert!(prices.find("claude-opus-5", "").is_some()),
            Err(error) => prop_assert!(!error.0.is_empty()),
        }
    }
}
