//! Why another tool has another figure: what must be changed in the calculation to get exactly theirs.

use tokenledger_prices::{Class, Modifiers, PICO_PER_USD, PicoUsd, Prices, Tokens, moment};

use crate::usages::Usage;

/// What the calculation does with the step of long-context prices.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// All tokens of the request at the upper price.
    Whole,
    /// Only the tokens of each class beyond the threshold.
    Marginal,
    /// None.
    Ignored,
}

/// A calculation that differs from ours.
#[derive(Clone, Debug)]
struct Variant {
    model: String,
    day: String,
    fast: bool,
    residency_us: bool,
    hour_as_five_minutes: bool,
    step: Step,
    /// What differs, in words.
    changes: Vec<String>,
}

/// Days at which tables may have stood still.
const DAYS: [&str; 7] =
    ["2026-02-01", "2026-06-01", "2026-08-01", "2026-09-01", "2026-10-01", "2026-11-20", "2027-02-01"];

/// Models whose names are the beginning of others.
const MODELS: [&str; 6] =
    ["claude-opus-5", "claude-opus-4", "claude-sonnet-5", "claude-sonnet-4", "claude-fable-5", "gpt-5"];

/// What a usage costs with the table; `None` if it has no price.
pub fn cost(prices: &Prices, usage: &Usage) -> Option<PicoUsd> {
    Variant::of(usage).cost(prices, usage)
}

/// The fewest changes that give exactly their figure.
pub fn explanation(prices: &Prices, usage: &Usage, theirs: f64) -> Option<String> {
    let mut variants = vec![Variant::of(usage)];
    for widen in [steps, hours, speeds, regions, days, models] {
        let more: Vec<Variant> = variants.iter().flat_map(|variant| widen(variant, usage)).collect();
        variants.extend(more);
    }
    variants.sort_by_key(|variant| variant.changes.len());
    let found = variants
        .iter()
        .find(|variant| variant.cost(prices, usage).is_some_and(|cost| is_same(cost, theirs)))?;
    Some(found.changes.join("; "))
}

/// Whether two figures are one, but for the last bits of their sum of doubles.
pub fn is_same(ours: PicoUsd, theirs: f64) -> bool {
    let ours = dollars(ours);
    (ours - theirs).abs() <= 1e-9 * ours.abs().max(theirs.abs())
}

/// As a double, for reading.
pub fn dollars(amount: PicoUsd) -> f64 {
    amount as f64 / PICO_PER_USD as f64
}

impl Variant {
    fn of(usage: &Usage) -> Self {
        Self {
            model: usage.model.clone(),
            day: usage.day.to_string(),
            fast: usage.fast,
            residency_us: usage.residency_us,
            hour_as_five_minutes: false,
            step: Step::Whole,
            changes: Vec::new(),
        }
    }

    fn with(&self, change: String, set: impl FnOnce(&mut Self)) -> Self {
        let mut variant = self.clone();
        set(&mut variant);
        variant.changes.push(change);
        variant
    }

    fn cost(&self, prices: &Prices, usage: &Usage) -> Option<PicoUsd> {
        let mut tokens =
            [usage.input, usage.output, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, 0];
        if self.hour_as_five_minutes {
            tokens[Class::CacheWrite5m as usize] += std::mem::take(&mut tokens[Class::CacheWrite1h as usize]);
        }
        let at = moment(&self.day).ok()?;
        let modifiers =
            Modifiers { fast: self.fast, residency_us: self.residency_us, ..Modifiers::default() };
        let found = prices.find(&self.model, "")?;
        if self.step == Step::Whole {
            return Some(found.price(&Tokens(tokens), 0, at, modifiers)?.amounts.total());
        }
        let mut sum = 0;
        for class in Class::ALL {
            let count = tokens[class as usize];
            let below = found.rate(class, at, modifiers)?.per_token;
            let threshold = found.rows().filter_map(|row| Some(row.long_context.as_ref()?.above)).max();
            let beyond = match (self.step, threshold) {
                (Step::Marginal, Some(threshold)) => count.saturating_sub(threshold),
                _ => 0,
            };
            sum += below * PicoUsd::from(count - beyond);
            if beyond > 0 {
                let mut much = [0; Class::COUNT];
                much[Class::Input as usize] = threshold.unwrap_or(0) + 1;
                let input_alone = found.price(&Tokens(much), 0, at, modifiers)?.amounts.total();
                much[class as usize] += count;
                let with = found.price(&Tokens(much), 0, at, modifiers)?.amounts.total();
                sum += (with - input_alone) / PicoUsd::from(count) * PicoUsd::from(beyond);
            }
        }
        Some(sum)
    }
}

fn steps(variant: &Variant, _: &Usage) -> Vec<Variant> {
    vec![
        variant.with("long context ignored".into(), |variant| variant.step = Step::Ignored),
        variant.with("long context per class and only beyond the threshold".into(), |variant| {
            variant.step = Step::Marginal;
        }),
    ]
}

fn hours(variant: &Variant, usage: &Usage) -> Vec<Variant> {
    let change = || {
        variant.with("one-hour writes at the five-minute price".into(), |new| new.hour_as_five_minutes = true)
    };
    (usage.cache_write_1h > 0).then(change).into_iter().collect()
}

fn speeds(variant: &Variant, usage: &Usage) -> Vec<Variant> {
    let mut variants = Vec::new();
    if usage.fast {
        variants.push(variant.with("fast mode ignored".into(), |new| new.fast = false));
    }
    if usage.residency_us {
        variants.push(variant.with("residency ignored".into(), |new| new.residency_us = false));
    }
    if let (true, Some(slow)) = (usage.residency_us, variants.first().filter(|_| usage.fast)) {
        variants.push(slow.with("residency ignored".into(), |new| new.residency_us = false));
    }
    variants
}

/// Bedrock's regions: the global price, or the regional one.
fn regions(variant: &Variant, usage: &Usage) -> Vec<Variant> {
    let Some((_, rest)) = usage.model.split_once("anthropic.") else { return Vec::new() };
    let global = format!("global.anthropic.{rest}");
    vec![variant.with("the region's addition ignored".into(), |new| new.model = global)]
}

/// Other days, the nearest first: of several that give the same price it is the likeliest.
fn days(variant: &Variant, usage: &Usage) -> Vec<Variant> {
    let distance = |day: &str| Some(moment(day).ok()?.abs_diff(moment(usage.day).ok()?));
    let mut others: Vec<&str> = DAYS.into_iter().filter(|day| *day != usage.day).collect();
    others.sort_by_key(|day| distance(day));
    others
        .into_iter()
        .map(|day| variant.with(format!("the price of {day}"), |new| new.day = day.to_string()))
        .collect()
}

/// A model that the tool may have taken for the one that was used.
fn models(variant: &Variant, usage: &Usage) -> Vec<Variant> {
    let others = MODELS.iter().filter(|model| usage.model.starts_with(**model) && **model != usage.model);
    others
        .map(|model| variant.with(format!("the price of {model}"), |new| new.model = (*model).to_string()))
        .collect()
}
