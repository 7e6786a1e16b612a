//! The pass over a batch: from increases of sources to what is added to computed streams.
//!
//! Each part of the meters is locked once, then each shard of the store: what a point adds is noted in
//! between ([`Scratch`]).

use tokenledger_prices::{PicoUsd, Prices};

use crate::apply::Application;
use crate::batch::Batch;
use crate::computed::accounts::{Issue, Sums, What};
use crate::computed::addition::{Addition, Amount, Origin, Scratch};
use crate::computed::clients::Group;
use crate::computed::meters::{Meter, PARTS, Part, Tariffs};
use crate::computed::place::{Above, Labels, Placed};
use crate::computed::quantity::Quantity;
use crate::computed::tariff::{Tariff, TariffKey, Worth};
use crate::computed::{Computed, Pricing};
use crate::config::IdentityMode;
use crate::group::group_by;
use crate::identity::Identity;
use crate::path::MetricPath;
use crate::result::{BatchResult, Course, IncomingPoint, IncomingValue, Used};
use crate::route::at_the_tick;
use crate::source::Link;
use crate::stream::Emission;
use crate::usage::{Describer, Dimensions, MetricRule, increases};

/// One pass.
pub(super) struct Pass<'a, B> {
    pub application: &'a Application<'a, B>,
    pub pricing: &'a Pricing,
    prices: &'a Prices,
    pub result: &'a BatchResult,
    sums: Sums,
    /// Nothing leaves in the batch itself.
    pub emission: Emission,
    /// Of the monotonic clock.
    pub minute: u32,
    /// Sources with different resources may share a stream (T0).
    pub follows_texts: bool,
    /// What stands above the points that were described last: their metric's number, and what it says.
    described: Option<(u32, Describer)>,
    /// The same for streams that are made.
    pub above: Option<(u32, Above)>,
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

/// What a point is worth.
enum Value {
    /// 10⁻¹² dollars.
    Reported(i64),
    Unpriced(Quantity),
    Priced {
        tokens: Quantity,
        cost: PicoUsd,
        saved: PicoUsd,
    },
}

impl<B: Batch> Application<'_, B> {
    /// Computes what the batch's increases cost. Points that added nothing, because they were seen before (D3),
    /// are a base (T3) or found no room, have another course by now.
    pub(crate) fn compute(&self, result: &mut BatchResult) {
        let Some(pricing) = self.engine.pricing.as_ref().filter(|_| !result.usage.is_empty()) else { return };
        let prices = pricing.prices.read();
        let Some(prices) = prices.as_deref() else { return };
        let mut usage = std::mem::take(&mut result.usage);
        let mut scratch = std::mem::take(&mut result.computing);
        let mut pass = Pass {
            application: self,
            pricing,
            prices,
            result,
            sums: std::mem::take(&mut scratch.sums),
            emission: at_the_tick(&self.emission),
            minute: self.emission.clock.monotonic_second / 60,
            follows_texts: self.engine.config.identity == IdentityMode::Prometheus,
            described: None,
            above: None,
        };
        // Costs first: a client that reports them in this very batch does report them.
        for costs in [true, false] {
            if result.has_costs || !costs {
                pass.charge_all(&mut usage, costs, &mut scratch);
            }
        }
        pass.settle_additions(&usage, &mut scratch);
        pass.settle_sums();
        scratch.sums = pass.sums;
        result.usage = usage;
        result.computing = scratch;
    }
}

impl<'a, B: Batch> Pass<'a, B> {
    /// Charges all points, of costs or of tokens, part by part of the meters.
    fn charge_all(&mut self, usage: &mut [Used], costs: bool, scratch: &mut Scratch) {
        let mut order = std::mem::take(&mut scratch.order);
        let part_of = |place: u32| usage[place as usize].source.shard(PARTS);
        let ends = group_by(0..usage.len() as u32, part_of, &mut order);
        for (number, group) in ends.groups(&order) {
            let mut part = self.pricing.meters.part(number).lock();
            for place in group {
                let used = &mut usage[*place as usize];
                if let Some(counted) = self.counted(used.point, used.source)
                    && counted.rule.is_cost() == costs
                    && counted.point.course == Course::Add
                {
                    used.computed = self.charge(&mut part, counted, *place, scratch);
                }
            }
        }
        scratch.order = order;
    }

    /// A point of the batch that counts something.
    pub fn counted(&self, index: u32, source: Identity) -> Option<Counted<'a>> {
        let point = &self.result.points[index as usize];
        let path = self.result.path(point);
        path.usage.map(|rule| Counted { index, source, point, path, rule })
    }

    /// Notes what a point adds; returns its cost in 10⁻¹² dollars, if it has a price.
    #[inline]
    fn charge(
        &mut self,
        part: &mut Part,
        counted: Counted<'_>,
        place: u32,
        scratch: &mut Scratch,
    ) -> Option<i64> {
        let (meter, tariffs) = part.meter(counted.source, |tariffs| self.learn(tariffs, counted));
        let tariff = tariffs.get_mut(meter.tariff)?;
        let value = self.value(tariff, counted)?;
        // Once a minute: what a client reports for the first time is noticed so much later.
        if meter.told_minute != self.minute {
            self.tell_client(meter, counted, matches!(value, Value::Reported(_)));
        }
        let (account, time_unix_nano) = (tariff.account, counted.point.time_unix_nano);
        let text = if self.follows_texts { self.text_of(counted) } else { 0 };
        let origin = Origin { used: place, time_unix_nano, text };
        let (tokens, cost) = match value {
            Value::Reported(pico) => {
                self.sum(counted, account, Computed::Difference, Issue::None, PicoUsd::from(pico));
                return None;
            }
            Value::Unpriced(tokens) => {
                let amount = Amount::Tokens(tokens.millionths());
                scratch.push(Addition::new(Computed::Unpriced, meter.cost, amount, origin));
                self.sum(counted, account, Computed::Quality, Issue::UnknownModel, tokens.millionths());
                (tokens, None)
            }
            Value::Priced { tokens, cost, saved } => {
                let amount = Amount::Dollars(cost);
                scratch.push(Addition::new(Computed::Cost, meter.cost, amount, origin));
                if saved > 0 {
                    let amount = Amount::Dollars(saved);
                    let addition = Addition::new(Computed::Savings, meter.savings, amount, origin);
                    scratch.push(addition);
                }
                // Of clients that report nothing there is nothing to compare.
                if meter.is_reported {
                    self.sum(counted, account, Computed::Difference, Issue::None, -cost);
                }
                (tokens, Some(i64::try_from(cost).unwrap_or(i64::MAX)))
            }
        };
        let issues = [(Issue::UnattributedUser, !meter.has_user), (Issue::MissingCost, !meter.is_reported)];
        for (issue, has_it) in issues {
            if has_it {
                self.sum(counted, account, Computed::Quality, issue, tokens.millionths());
            }
        }
        cost
    }

    /// What the point is worth; `None` if nothing.
    #[inline]
    fn value(&self, tariff: &mut Tariff, counted: Counted<'_>) -> Option<Value> {
        tariff.be_valid(self.prices, &self.pricing.config, self.time(counted));
        let amounts = || increases(counted.point.value, self.result).into_iter().flatten();
        let tokens = || match counted.point.value {
            IncomingValue::Number(value) => Quantity::of(value),
            _ => amounts().collect(),
        };
        match tariff.worth {
            Worth::Nothing => None,
            Worth::Reported => {
                let effect = &tariff.key.effect;
                let pico = amounts().fold(0, |sum: i64, value| sum.saturating_add(effect.amount(value)));
                (pico > 0).then_some(Value::Reported(pico))
            }
            Worth::Unpriced { .. } => {
                let tokens = tokens();
                tokens.is_some().then_some(Value::Unpriced(tokens))
            }
            Worth::Priced { per_token, saved_per_token, .. } => {
                let tokens = tokens();
                let (cost, saved) = (tokens.times(per_token), tokens.times(saved_per_token));
                tokens.is_some().then_some(Value::Priced { tokens, cost, saved })
            }
        }
    }

    /// When the tokens were used: the end of the window, but not a time that lies ahead.
    fn time(&self, counted: Counted<'_>) -> u64 {
        self.application.time(counted.point).min(self.application.now.wall_unix_nano)
    }

    /// The first sight of a source.
    #[cold]
    fn learn(&mut self, tariffs: &mut Tariffs, counted: Counted<'_>) -> Meter {
        let mut meter = Meter::of(counted.source);
        if let Some((dimensions, key)) = self.key(counted) {
            let mut who = [dimensions.agent.as_str(), dimensions.user.as_str()].join("\0").into_bytes();
            // The first pass has read the same metadata to its end without error.
            let _ = self.application.batch.metadata(|record| who.extend_from_slice(record));
            meter.client = xxhash_rust::xxh3::xxh3_64(&who);
            meter.has_user = !dimensions.user.is_empty()
                && self.pricing.config.unattributed.as_ref().is_none_or(|text| *text != dimensions.team);
            let (time, config) = (self.time(counted), &self.pricing.config);
            meter.tariff = tariffs.number(key, |key| Tariff::new(key, self.prices, config, time));
        }
        meter
    }

    /// Whose tokens or dollars the point counts, and what makes them cost what they cost; `None` if they are
    /// counted elsewhere.
    fn key(&mut self, counted: Counted<'_>) -> Option<(Dimensions, TariffKey)> {
        let metric = counted.point.metric;
        if self.described.as_ref().is_none_or(|(known, _)| *known != metric) {
            let mut above = Describer::default();
            self.application.describe_above(counted.path, &mut above);
            self.described = Some((metric, above));
        }
        let mut describer = self.described.as_ref().map(|(_, above)| above.clone()).unwrap_or_default();
        self.application.describe_point(counted.point, &mut describer);
        if describer.is_priced_before() {
            return None;
        }
        let billing = describer.billing();
        let (dimensions, _, effect) = describer.finish(counted.rule)?;
        let key = TariffKey::new(&dimensions, effect, billing);
        Some((dimensions, key))
    }

    /// Tells who is heard, and learns whether that client reports costs.
    #[cold]
    fn tell_client(&self, meter: &mut Meter, counted: Counted<'_>, with_cost: bool) {
        let group = || {
            let mut metadata = Vec::new();
            let _ = self.application.batch.metadata(|record| metadata.extend_from_slice(record));
            Group { agent: counted.rule.agent().to_owned(), metadata: metadata.into() }
        };
        let mut clients = self.pricing.clients.lock();
        meter.is_reported = clients.heard(meter.client, with_cost, self.minute, group);
        meter.told_minute = self.minute;
        meter.retry_overflow();
    }

    /// Notes what is added to a stream of many sources.
    #[inline]
    fn sum(&mut self, counted: Counted<'_>, account: u64, metric: Computed, issue: Issue, amount: PicoUsd) {
        let what = What { account, path: counted.point.metric, metric, issue };
        self.sums.add(what, amount, counted.index, counted.source);
    }

    /// Adds what the batch has for streams of sources' own.
    fn settle_additions(&mut self, usage: &[Used], scratch: &mut Scratch) {
        self.add_to_known(scratch);
        for number in std::mem::take(&mut scratch.unplaced) {
            let addition = scratch.additions[number as usize];
            let used = &usage[addition.used as usize];
            let Some(counted) = self.counted(used.point, used.source) else { continue };
            let Some(labels) = self.labels(counted) else { continue };
            let metric = addition.metric;
            let Placed { link, is_overflow } =
                self.place(counted, metric, &labels.of_source(), addition.value);
            self.pricing.meters.part_of(counted.source).lock().change(counted.source, |meter| {
                *(if metric == Computed::Savings { &mut meter.savings } else { &mut meter.cost }) = link;
                meter.is_overflow |= is_overflow;
            });
        }
        scratch.additions.clear();
    }

    /// Adds what the batch has for streams of many sources.
    fn settle_sums(&mut self) {
        let (mut sums, mut scratch) = (std::mem::take(&mut self.sums), Vec::new());
        for sum in sums.drain() {
            let Some(counted) = self.counted(sum.point, sum.source) else { continue };
            let What { account, metric, issue, .. } = sum.what;
            let key = &self.application.engine.key;
            let numbers = [counted.path.resource_identity.source.0, u128::from(account)];
            let name = key.parts(&mut scratch, &numbers, &[&[metric as u8, issue as u8]]);
            let amount = match metric {
                Computed::Difference => Amount::Dollars(sum.amount),
                _ => Amount::Tokens(sum.amount),
            };
            let (link, text) = (self.pricing.accounts.place(name), self.text_of(counted));
            let origin = Origin { used: 0, time_unix_nano: counted.point.time_unix_nano, text };
            if !self.add_to_one(&Addition::new(metric, link, amount, origin))
                && let Some(labels) = self.labels(counted)
            {
                let attributes = labels.of_account(issue.name());
                let placed = self.place(counted, metric, &attributes, amount.number());
                if !placed.is_overflow && placed.link != Link::NONE {
                    self.pricing.accounts.remember(name, placed.link);
                }
            }
        }
        self.sums = sums;
    }

    /// What a computed point says of itself. Asked of the point: what is known of its source may be forgotten by now.
    fn labels(&mut self, counted: Counted<'_>) -> Option<Labels> {
        let (_, key) = self.key(counted)?;
        let found = self.prices.find(&key.model, &key.stated_provider);
        Some(Labels::of(key, found.map(|found| found.provider)))
    }
}
