//! The pass over a batch: from increases of sources to what is added to computed streams.

use tokenledger_prices::{PicoUsd, Prices};

use crate::apply::Application;
use crate::batch::Batch;
use crate::computed::accounts::{Issue, Sum, Sums};
use crate::computed::clients::Group;
use crate::computed::meters::{Meter, Part};
use crate::computed::place::{Amount, Labels, Placed};
use crate::computed::quantity::Quantity;
use crate::computed::tariff::{Tariff, TariffKey, Worth};
use crate::computed::{Computed, Pricing};
use crate::config::IdentityMode;
use crate::identity::Identity;
use crate::path::MetricPath;
use crate::result::{BatchResult, Course, IncomingPoint};
use crate::source::Link;
use crate::usage::{Describer, Dimensions, MetricRule, increases};

/// One pass.
pub(super) struct Pass<'a, B> {
    pub application: &'a Application<'a, B>,
    pub pricing: &'a Pricing,
    prices: &'a Prices,
    pub result: &'a BatchResult,
    sums: Sums,
    /// Of the monotonic clock.
    pub minute: u32,
    /// Sources with different resources may share a stream (T0).
    pub follows_texts: bool,
}

/// A point that counts tokens or dollars.
#[derive(Clone, Copy)]
pub(super) struct Counted<'a> {
    /// Place among the batch's points.
    pub index: u32,
    pub source: Identity,
    pub point: &'a IncomingPoint,
    pub path: &'a MetricPath,
    pub rule: MetricRule,
}

/// What a point adds, as its source's part knew when it was locked.
struct Charge {
    meter: Meter,
    account: u64,
    value: Value,
}

enum Value {
    /// 10⁻¹² dollars.
    Reported(i64),
    /// Millionths of tokens.
    Unpriced { tokens: i128 },
    /// Millionths of tokens, 10⁻¹² dollars.
    Priced { tokens: i128, cost: PicoUsd, saved: PicoUsd },
}

impl<B: Batch> Application<'_, B> {
    /// Computes what the batch's increases cost. Points that added nothing, because they were seen before (D3),
    /// are a base (T3) or found no room, have another course by now.
    pub(crate) fn compute(&self, result: &mut BatchResult) {
        let Some(pricing) = self.engine.pricing.as_ref().filter(|_| !result.usage.is_empty()) else { return };
        let prices = pricing.prices.read();
        let Some(prices) = prices.as_deref() else { return };
        let mut usage = std::mem::take(&mut result.usage);
        let minute = self.emission.clock.monotonic_second / 60;
        let follows_texts = self.engine.config.identity == IdentityMode::Prometheus;
        let sums = Sums::default();
        let mut pass = Pass { application: self, pricing, prices, result, sums, minute, follows_texts };
        // Costs first: a client that reports them in this very batch does report them.
        for costs in [true, false] {
            for used in &mut usage {
                let point = &pass.result.points[used.point as usize];
                let path = pass.result.path(point);
                let Some(rule) = path.usage.filter(|rule| rule.is_cost() == costs) else { continue };
                if point.course == Course::Add {
                    let counted = Counted { index: used.point, source: used.source, point, path, rule };
                    used.computed = pass.charge(counted);
                }
            }
        }
        pass.settle_sums();
        result.usage = usage;
    }
}

impl<B: Batch> Pass<'_, B> {
    /// Returns the cost of the point in 10⁻¹² dollars, if it has a price.
    fn charge(&mut self, counted: Counted<'_>) -> Option<i64> {
        let mut charge = self.read_meter(counted)?;
        let mut is_reported = charge.meter.is_reported;
        // Once a minute: what a client reports for the first time is noticed so much later.
        if charge.meter.told_minute != self.minute {
            is_reported = self.tell_client(counted, &charge);
            charge.meter.retry_overflow();
        }
        let (tokens, cost) = match charge.value {
            Value::Reported(pico) => {
                self.sum(counted, &charge, Computed::Difference, Issue::None, PicoUsd::from(pico));
                return None;
            }
            Value::Unpriced { tokens } => {
                self.add(counted, Computed::Unpriced, charge.meter.cost, Amount::Tokens(tokens));
                self.sum(counted, &charge, Computed::Quality, Issue::UnknownModel, tokens);
                (tokens, None)
            }
            Value::Priced { tokens, cost, saved } => {
                self.add(counted, Computed::Cost, charge.meter.cost, Amount::Dollars(cost));
                if saved > 0 {
                    self.add(counted, Computed::Savings, charge.meter.savings, Amount::Dollars(saved));
                }
                self.sum(counted, &charge, Computed::Difference, Issue::None, -cost);
                (tokens, Some(i64::try_from(cost).unwrap_or(i64::MAX)))
            }
        };
        for (issue, has_it) in
            [(Issue::UnattributedUser, !charge.meter.has_user), (Issue::MissingCost, !is_reported)]
        {
            if has_it {
                self.sum(counted, &charge, Computed::Quality, issue, tokens);
            }
        }
        cost
    }

    /// What the point is worth; `None` if nothing.
    #[inline]
    fn read_meter(&self, counted: Counted<'_>) -> Option<Charge> {
        let mut part = self.pricing.meters.part(counted.source).lock();
        let meter = match part.find(counted.source) {
            Some(meter) => meter,
            None => self.learn(&mut part, counted),
        };
        let time = self.time(counted);
        let Part { tariffs, .. } = &mut *part;
        let tariff = tariffs.get_mut(meter.tariff as usize)?;
        tariff.be_valid(self.prices, &self.pricing.config, time);
        let amounts = increases(counted.point.value, self.result).into_iter().flatten();
        let value = match tariff.worth {
            Worth::Nothing => return None,
            Worth::Reported => {
                let effect = &tariff.key.effect;
                Value::Reported(amounts.fold(0, |sum: i64, value| sum.saturating_add(effect.amount(value))))
            }
            Worth::Unpriced { .. } => {
                let tokens: Quantity = amounts.collect();
                Value::Unpriced { tokens: tokens.millionths() }
            }
            Worth::Priced { per_token, saved_per_token, .. } => {
                let tokens: Quantity = amounts.collect();
                let (cost, saved) = (tokens.times(per_token), tokens.times(saved_per_token));
                Value::Priced { tokens: tokens.millionths(), cost, saved }
            }
        };
        let is_nothing = match value {
            Value::Reported(pico) => pico <= 0,
            Value::Unpriced { tokens } | Value::Priced { tokens, .. } => tokens <= 0,
        };
        (!is_nothing).then_some(Charge { meter, account: tariff.account, value })
    }

    /// When the tokens were used: the end of the window, but not a time that lies ahead.
    fn time(&self, counted: Counted<'_>) -> u64 {
        self.application.time(counted.point).min(self.application.now.wall_unix_nano)
    }

    /// The first sight of a source.
    #[cold]
    fn learn(&self, part: &mut Part, counted: Counted<'_>) -> Meter {
        let mut meter = Meter {
            identity: counted.source,
            tariff: u32::MAX,
            told_minute: u32::MAX,
            client: 0,
            has_user: false,
            is_reported: false,
            is_overflow: false,
            cost: Link::NONE,
            savings: Link::NONE,
        };
        if let Some((dimensions, key)) = self.key(counted) {
            let mut who = [dimensions.agent.as_str(), dimensions.user.as_str()].join("\0").into_bytes();
            // The first pass has read the same metadata to its end without error.
            let _ = self.application.batch.metadata(|record| who.extend_from_slice(record));
            meter.client = xxhash_rust::xxh3::xxh3_64(&who);
            meter.has_user = !dimensions.user.is_empty()
                && self.pricing.config.unattributed.as_ref().is_none_or(|text| *text != dimensions.team);
            let (time, config) = (self.time(counted), &self.pricing.config);
            meter.tariff = part.tariff(key, |key| Tariff::new(key, self.prices, config, time));
        }
        part.insert(meter);
        meter
    }

    /// Whose tokens or dollars the point counts, and what makes them cost what they cost; `None` if they are
    /// counted elsewhere.
    fn key(&self, counted: Counted<'_>) -> Option<(Dimensions, TariffKey)> {
        let mut describer = Describer::default();
        self.application.describe(counted.point, counted.path, &mut describer);
        let billing = describer.billing();
        let (dimensions, _, effect) = describer.finish(counted.rule)?;
        let key = TariffKey::new(&dimensions, effect, billing);
        Some((dimensions, key))
    }

    /// Tells who is heard, and learns whether that client reports costs.
    fn tell_client(&self, counted: Counted<'_>, charge: &Charge) -> bool {
        let with_cost = matches!(charge.value, Value::Reported(_));
        let group = || {
            let mut metadata = Vec::new();
            let _ = self.application.batch.metadata(|record| metadata.extend_from_slice(record));
            Group { agent: counted.rule.agent().to_owned(), metadata: metadata.into() }
        };
        let is_reported =
            self.pricing.clients.lock().heard(charge.meter.client, with_cost, self.minute, group);
        self.pricing.meters.part(counted.source).lock().change(counted.source, |meter| {
            (meter.is_reported, meter.told_minute) = (is_reported, self.minute);
            meter.retry_overflow();
        });
        is_reported
    }

    /// Adds to a stream of the source's own.
    fn add(&self, counted: Counted<'_>, metric: Computed, link: Link, amount: Amount) {
        if self.add_to_known(link, amount, counted) {
            return;
        }
        let Some(labels) = self.labels(counted) else { return };
        let Placed { link, is_overflow } = self.place(counted, metric, &labels.of_source(), amount);
        self.pricing.meters.part(counted.source).lock().change(counted.source, |meter| {
            *(if metric == Computed::Savings { &mut meter.savings } else { &mut meter.cost }) = link;
            meter.is_overflow |= is_overflow;
        });
    }

    /// Notes what is added to a stream of many sources.
    fn sum(
        &mut self,
        counted: Counted<'_>,
        charge: &Charge,
        metric: Computed,
        issue: Issue,
        amount: PicoUsd,
    ) {
        let resource = counted.path.resource_identity.source;
        let (point, source, account) = (counted.index, counted.source, charge.account);
        self.sums.add(Sum { metric, issue, account, point, source, resource, amount });
    }

    /// Adds what the batch has for streams of many sources.
    fn settle_sums(&mut self) {
        let mut sums = std::mem::take(&mut self.sums);
        for sum in sums.drain() {
            let point = &self.result.points[sum.point as usize];
            let path = self.result.path(point);
            let Some(rule) = path.usage else { continue };
            let counted = Counted { index: sum.point, source: sum.source, point, path, rule };
            let key = &self.application.engine.key;
            let numbers = [sum.resource.0, u128::from(sum.account)];
            let texts: [&[u8]; 1] = [&[sum.metric as u8, sum.issue as u8]];
            let name = key.parts(&mut Vec::new(), &numbers, &texts);
            let amount = match sum.metric {
                Computed::Difference => Amount::Dollars(sum.amount),
                _ => Amount::Tokens(sum.amount),
            };
            if !self.add_to_known(self.pricing.accounts.place(name), amount, counted)
                && let Some(labels) = self.labels(counted)
            {
                let attributes = labels.of_account(sum.issue.name());
                let placed = self.place(counted, sum.metric, &attributes, amount);
                if !placed.is_overflow {
                    self.pricing.accounts.remember(name, placed.link);
                }
            }
        }
    }

    /// What a computed point says of itself. Asked of the point: what is known of its source may be forgotten by now.
    fn labels(&self, counted: Counted<'_>) -> Option<Labels> {
        let (_, key) = self.key(counted)?;
        let found = self.prices.find(&key.model, &key.stated_provider);
        Some(Labels::of(&key, found.map(|found| found.provider)))
    }
}
