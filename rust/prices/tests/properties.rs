//! What holds for every model, every number of tokens and every condition.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use tokenledger_prices::{Amounts, Answer, Class, Found, Modifiers, PicoUsd, Prices, Tokens, moment};

fn prices() -> Prices {
    Prices::with_user_file("[[discount]]\nmodel = \"*-mini\"\npercent = 7.77\n").unwrap()
}

fn now() -> u64 {
    moment("2026-11-20").unwrap()
}

fn modifiers() -> impl Strategy<Value = Modifiers> {
    any::<[bool; 6]>().prop_map(|[fast, batch, flex, priority, residency_us, regional]| Modifiers {
        fast,
        batch,
        flex,
        priority,
        residency_us,
        regional,
    })
}

/// Tokens of a request, at most `most` of each class.
fn tokens(most: u64) -> impl Strategy<Value = Tokens> {
    prop::array::uniform6(0..=most).prop_map(Tokens)
}

/// A model of the table, as it is or at Bedrock.
fn with_model<T>(prices: &Prices, number: usize, at_bedrock: bool, then: impl FnOnce(Found<'_>) -> T) -> T {
    let models: Vec<_> = prices.models().map(|found| (found.model, found.provider)).collect();
    let (model, provider) = models[number % models.len()];
    let name = if at_bedrock { format!("us.anthropic.{model}") } else { model.to_owned() };
    let found = prices.find(&name, if at_bedrock { "" } else { provider });
    then(found.unwrap_or_else(|| prices.find(model, provider).unwrap()))
}

fn price<'a>(found: &Found<'a>, tokens: &Tokens, modifiers: Modifiers) -> Answer<'a> {
    found.price(tokens, 0, now(), modifiers).unwrap()
}

fn sum(left: &Tokens, right: &Tokens) -> Tokens {
    Tokens(std::array::from_fn(|class| left.0[class] + right.0[class]))
}

fn all_amounts(amounts: &Amounts) -> impl Iterator<Item = PicoUsd> {
    amounts.tokens.into_iter().chain([amounts.web_searches])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Scenario: two requests whose sum stays below every long-context threshold.
    /// Guarantee: together they cost what they cost apart: to the last unit at prices without fractions of a unit
    /// (all list prices), else to one unit per class, the rounding.
    #[test]
    fn below_the_cliff_costs_add_up(
        number in any::<usize>(), at_bedrock in any::<bool>(), left in tokens(10_000), right in tokens(10_000),
        modifiers in modifiers(),
    ) {
        let prices = prices();
        with_model(&prices, number, at_bedrock, |found| {
            let both = price(&found, &sum(&left, &right), modifiers);
            let [left, right] = [left, right].map(|tokens| price(&found, &tokens, modifiers));
            for class in 0..Class::COUNT {
                assert_eq!(left.list.tokens[class] + right.list.tokens[class], both.list.tokens[class]);
                let apart = left.amounts.tokens[class] + right.amounts.tokens[class];
                assert!((apart - both.amounts.tokens[class]).abs() <= 1, "{}", found.model);
            }
        });
    }

    /// Scenario: many requests in any order. Guarantee: the same sum.
    #[test]
    fn the_order_does_not_matter(
        number in any::<usize>(), requests in prop::collection::vec(tokens(1_000_000), 0..20), turn in 0..20_usize,
    ) {
        let prices = prices();
        with_model(&prices, number, false, |found| {
            let total = |requests: &[Tokens]| -> PicoUsd {
                requests.iter().map(|tokens| price(&found, tokens, Modifiers::default()).amounts.total()).sum()
            };
            let mut turned = requests.clone();
            turned.rotate_left(turn.min(requests.len()));
            assert_eq!(total(&requests), total(&turned));
            turned.reverse();
            assert_eq!(total(&requests), total(&turned));
        });
    }

    /// Scenario: any request, up to the largest counts that fit, under any conditions.
    /// Guarantee: no amount is negative, none is above the list price, and no sum overflows.
    #[test]
    fn nothing_costs_less_than_nothing(
        number in any::<usize>(), at_bedrock in any::<bool>(), tokens in tokens(u64::MAX), searches in any::<u64>(),
        modifiers in modifiers(),
    ) {
        let prices = prices();
        with_model(&prices, number, at_bedrock, |found| {
            let answer = found.price(&tokens, searches, now(), modifiers).unwrap();
            for (paid, list) in all_amounts(&answer.amounts).zip(all_amounts(&answer.list)) {
                assert!(0 <= paid && paid <= list, "{} {paid} {list}", found.model);
            }
            assert!(answer.savings >= 0 && answer.amounts.total() >= 0);
        });
    }

    /// Scenario: a request, and the same with more tokens. Guarantee: it does not cost less.
    #[test]
    fn more_tokens_never_cost_less(
        number in any::<usize>(), tokens in tokens(300_000), more in tokens(300_000), modifiers in modifiers(),
    ) {
        let prices = prices();
        with_model(&prices, number, false, |found| {
            let less = price(&found, &tokens, modifiers).amounts;
            let all = price(&found, &sum(&tokens, &more), modifiers).amounts;
            for class in 0..Class::COUNT {
                assert!(less.tokens[class] <= all.tokens[class], "{} {class}", found.model);
            }
        });
    }

    /// Scenario: any model, class, moment and conditions. Guarantee: the rate is the price of one token, is the same for
    /// all moments that it is said to be valid for, and holds for the moment asked about.
    #[test]
    fn a_rate_is_the_price_of_a_token(
        number in any::<usize>(), class in 0..Class::COUNT, at in any::<u64>(), modifiers in modifiers(),
    ) {
        let prices = prices();
        with_model(&prices, number, false, |found| {
            let Some(rate) = found.rate(Class::ALL[class], at, modifiers) else { return };
            assert!(rate.valid.contains(&at));
            for moment in [at, rate.valid.start, rate.valid.end - 1] {
                let mut tokens = Tokens::default();
                tokens.0[class] = 1;
                let answer = found.price(&tokens, 0, moment, modifiers).unwrap();
                assert_eq!(answer.amounts.tokens[class], rate.per_token, "{}", found.model);
                assert_eq!(answer.savings, rate.saved_per_token, "{}", found.model);
            }
        });
    }

    /// Scenario: any text as a model, and any as a provider. Guarantee: no panic, and twice the same answer.
    #[test]
    fn any_name_has_an_answer(model in ".*", provider in ".*") {
        let prices = prices();
        let place = |model: &str| prices.find(model, &provider).map(|found| (found.provider.to_owned(), found.model.to_owned()));
        prop_assert_eq!(place(&model), place(&model));
        let _ = prices.near(&model);
    }
}
