//! What is computed from tokens outlives the process as everything else does (L6).

use std::sync::Arc;

use tokenledger::{Config, PricingConfig, Rule};
use tokenledger_prices::Prices;

use crate::station::Station;
use crate::world::SECOND;
use crate::world::batch::Sample;

const MODEL: &str = "claude-sonnet-4-5-20250929";

fn priced(config: Config) -> Config {
    Config { pricing: Some(PricingConfig::default()), ..config }
}

/// Starts again after a crash, with prices as the component sets them.
fn restart(station: &mut Station) {
    station.restart();
    set_prices(station);
}

fn set_prices(station: &Station) {
    station.engine().set_prices(Arc::new(Prices::built_in().unwrap()));
}

fn output(session: &str, second: u64, value: i64) -> Sample {
    let attributes = [("session.id", session), ("model", MODEL), ("type", "output")];
    Sample::delta("claude_code.token.usage", &attributes, second - 1, second, value)
}

fn cost(station: &Station) -> f64 {
    station.reader.latest("token_ledger.cost").map(|output| output.value.size()).sum()
}

/// Scenario: tokens of several sessions, with crashes between, before and after ticks, and after snapshots,
/// trimmed and not. Guarantee: each token costs once, and readers see one series that never falls.
#[test]
fn costs_survive_crashes() {
    let rule = Rule { metrics: vec!["*".into()], drop: vec!["session.id".into()], ..Rule::default() };
    for config in [Config::default(), Config { rules: vec![rule], ..Config::default() }] {
        let mut station = Station::new(priced(config));
        set_prices(&station);
        let mut tokens = 0;
        for round in 0..20_u64 {
            station.pass(2 * SECOND);
            let second = station.second();
            station.insist(&[output("one", second, 100), output("two", second, 10 * round as i64)]);
            tokens += 100 + 10 * round as i64;
            match round % 4 {
                0 => restart(&mut station),
                1 => drop(station.ticks(2)),
                2 => station.maintain().unwrap(),
                _ => {
                    station.lost_tick();
                    restart(&mut station);
                }
            }
        }
        station.ticks(3);
        let expected = tokens as f64 * 15.0 / 1e6;
        assert!((cost(&station) - expected).abs() < 1e-12, "{} {expected}", cost(&station));
        station.assert_orderly();
    }
}

/// Scenario: a request whose row cannot be written, which its sender repeats after a crash. Guarantee: its
/// tokens cost once.
#[test]
fn a_request_that_was_not_written_costs_once() {
    let mut station = Station::new(priced(Config::default()));
    set_prices(&station);
    station.pass(5 * SECOND);
    let second = station.second();
    let request = [output("one", second, 1_000)];
    station.consume(&request); // taken in, never written
    restart(&mut station);
    station.pass(SECOND);
    station.insist(&request);
    station.ticks(3);
    assert!((cost(&station) - 0.015).abs() < 1e-12);
    station.assert_orderly();
}

/// Scenario: another rule after a restart: sessions are dropped now. Guarantee: what they cost adds up.
#[test]
fn costs_come_together_under_another_rule() {
    let mut station = Station::new(priced(Config::default()));
    set_prices(&station);
    station.pass(5 * SECOND);
    let second = station.second();
    station.insist(&[output("one", second, 1_000), output("two", second, 1_000)]);
    station.ticks(2);
    let rule = Rule { metrics: vec!["*".into()], drop: vec!["session.id".into()], ..Rule::default() };
    station.restart_with(priced(Config { rules: vec![rule], ..Config::default() }));
    set_prices(&station);
    station.ticks(2);
    station.pass(SECOND);
    let second = station.second();
    station.insist(&[output("three", second, 1_000)]);
    station.ticks(3);
    assert_eq!(station.reader.latest("token_ledger.cost").count(), 1);
    assert!((cost(&station) - 0.045).abs() < 1e-12, "{}", cost(&station));
}
