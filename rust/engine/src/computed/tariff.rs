//! What the increases of a kind of source are worth: worked out once per model, token type and condition.

use std::ops::Range;

use tokenledger_prices::{Class, Modifiers, PicoUsd, Prices};

use crate::config::PricingConfig;
use crate::usage::{Billing, Dimensions, Effect, Measure};

/// Parts in a million.
const MILLION: i128 = 1_000_000;

/// What makes sources cost the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TariffKey {
    pub agent: String,
    /// As the client writes it.
    pub model: String,
    /// As [`Dimensions::provider`].
    pub provider: String,
    /// As the client states it, for the price table.
    pub stated_provider: String,
    pub effect: Effect,
    pub billing: Billing,
}

/// What one unit of a source is worth.
#[derive(Clone, Debug)]
pub(super) struct Tariff {
    pub key: TariffKey,
    pub worth: Worth,
    /// At another time, asked for before: late points and new ones may take turns.
    former: Worth,
    /// Names (agent, model, provider).
    pub account: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Worth {
    /// Counted elsewhere, or by a client whose token types include each other.
    Nothing,
    /// Dollars as the client reports them.
    Reported,
    /// Tokens of a model, or of a type, that no price is known for at this time in Unix nanoseconds.
    Unpriced { valid: Range<u64> },
    /// Tokens with a price, in 10⁻¹² dollars each, during a time in Unix nanoseconds.
    Priced { per_token: i64, saved_per_token: i64, valid: Range<u64> },
}

impl Worth {
    /// Whether it is still so at a time in Unix nanoseconds.
    #[inline]
    pub fn is_valid(&self, unix_nano: u64) -> bool {
        match self {
            Self::Nothing | Self::Reported => true,
            Self::Unpriced { valid } | Self::Priced { valid, .. } => valid.contains(&unix_nano),
        }
    }
}

/// No price, whatever the time.
const NEVER_PRICED: Worth = Worth::Unpriced { valid: 0..u64::MAX };

impl TariffKey {
    pub fn new(dimensions: &Dimensions, effect: Effect, billing: Billing) -> Self {
        Self {
            agent: dimensions.agent.clone(),
            model: dimensions.model.clone(),
            provider: dimensions.provider.clone(),
            stated_provider: billing.provider.clone(),
            effect,
            billing: Billing { provider: String::new(), ..billing },
        }
    }
}

impl Tariff {
    /// What `key` is worth at a time in Unix nanoseconds.
    pub fn new(key: TariffKey, prices: &Prices, config: &PricingConfig, unix_nano: u64) -> Self {
        let names = [&key.agent, &key.model, &key.provider];
        let account = xxhash_rust::xxh3::xxh3_64(names.map(|name| name.as_str()).join("\0").as_bytes());
        let worth = worth(&key, prices, config, unix_nano);
        Self { key, worth, former: Worth::Nothing, account }
    }

    /// Works the worth out anew where it is that of another time.
    #[inline]
    pub fn be_valid(&mut self, prices: &Prices, config: &PricingConfig, unix_nano: u64) {
        if !self.worth.is_valid(unix_nano) {
            std::mem::swap(&mut self.worth, &mut self.former);
            if self.worth == Worth::Nothing || !self.worth.is_valid(unix_nano) {
                self.worth = worth(&self.key, prices, config, unix_nano);
            }
        }
    }
}

fn worth(key: &TariffKey, prices: &Prices, config: &PricingConfig, unix_nano: u64) -> Worth {
    let class = match key.effect.measure {
        _ if !key.effect.is_exclusive => return Worth::Nothing,
        Measure::ReportedCost => return Worth::Reported,
        Measure::ComputedCost => return Worth::Nothing,
        Measure::OtherTokens => return NEVER_PRICED,
        Measure::InputTokens => Class::Input,
        Measure::OutputTokens => Class::Output,
        Measure::CacheReadTokens => Class::CacheRead,
        Measure::CacheCreationTokens => Class::CacheWrite5m,
    };
    let Some(found) = prices.find(&key.model, &key.stated_provider) else { return NEVER_PRICED };
    // The table has a gap here; asked again at another time.
    let gap = Worth::Unpriced { valid: unix_nano..unix_nano.saturating_add(1) };
    let modifiers = Modifiers { fast: key.billing.fast, ..Modifiers::default() };
    let Some(rate) = found.rate(class, unix_nano, modifiers) else { return gap };
    let mut valid = rate.valid.clone();
    let mut per_token = rate.per_token;
    if class == Class::CacheWrite5m {
        let share = i128::from(config.one_hour_share(&key.billing));
        let Some(hour) = found.rate(Class::CacheWrite1h, unix_nano, modifiers) else { return gap };
        valid = valid.start.max(hour.valid.start)..valid.end.min(hour.valid.end);
        per_token = (per_token * (MILLION - share) + hour.per_token * share + MILLION / 2) / MILLION;
    }
    let units = |price: PicoUsd| i64::try_from(price.max(0)).unwrap_or(i64::MAX);
    Worth::Priced { per_token: units(per_token), saved_per_token: units(rate.saved_per_token), valid }
}

/// The type of tokens as our metrics name it, whatever the client calls it.
pub(super) fn type_name(measure: Measure) -> &'static str {
    match measure {
        Measure::InputTokens => "input",
        Measure::OutputTokens => "output",
        Measure::CacheReadTokens => "cache_read",
        Measure::CacheCreationTokens => "cache_creation",
        Measure::OtherTokens | Measure::ReportedCost | Measure::ComputedCost => "other",
    }
}
