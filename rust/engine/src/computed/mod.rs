//! Metrics that the engine adds: what tokens cost, what caches saved, what has no price.
//!
//! Last but one pass over a batch (`pass`): the increase of each source that counts tokens or dollars is
//! priced before rules take the model off it, and added to ledger streams of the engine's own. These are
//! ordinary streams: they share the store, its limits (T5) and the ledger's row with the points that they
//! come from, and they go out at the next tick. What a source's tokens cost is worked out once (`tariff`)
//! and kept with the places of its streams (`meters`); a stream that is not known yet is made through the
//! same passes as any other (`place`).
//!
//! Counters of a client add up many requests, so long-context prices, which are decided request by
//! request, cannot be applied here. Only clients whose token types exclude each other are priced: where
//! `input` includes what is cached, a counter alone does not tell what to take out of it.

mod accounts;
mod addition;
mod clients;
mod meters;
mod pass;
mod place;
mod quantity;
mod tariff;

use std::sync::Arc;

pub(crate) use addition::Scratch;

use parking_lot::{Mutex, RwLock};
use tokenledger_prices::Prices;

use crate::computed::accounts::Accounts;
use crate::computed::clients::Clients;
use crate::computed::meters::Meters;
use crate::config::PricingConfig;
use crate::engine::Engine;

/// What is computed by one engine.
#[derive(Debug)]
pub(crate) struct Pricing {
    config: PricingConfig,
    /// The table in use; `None` until there is one.
    prices: RwLock<Option<Arc<Prices>>>,
    meters: Meters,
    accounts: Accounts,
    clients: Mutex<Clients>,
}

impl Pricing {
    /// `max_memory_bytes` is the engine's budget (T5), 0 for none: all tables together take a twelfth of it.
    pub fn new(config: &PricingConfig, max_memory_bytes: u64) -> Self {
        Self {
            config: config.clone(),
            prices: RwLock::default(),
            meters: Meters::new(max_memory_bytes),
            accounts: Accounts::new(max_memory_bytes),
            clients: Mutex::new(Clients::new(max_memory_bytes)),
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.meters.bytes() + self.accounts.bytes() + self.clients.lock().bytes()
    }
}

impl Engine {
    /// Uses `prices` from now on; without effect where the configuration computes nothing. Tokens that were
    /// counted before keep the price that they had.
    pub fn set_prices(&self, prices: Arc<Prices>) {
        if let Some(pricing) = &self.pricing {
            if let Some(usage) = self.usage() {
                usage.priced_by(prices.version());
            }
            // No pass is under way that would learn from the former table.
            let former = {
                let mut current = pricing.prices.write();
                pricing.meters.forget_tariffs();
                pricing.accounts.forget();
                current.replace(prices)
            };
            drop(former); // a large table, with nobody waiting
        }
    }

    /// Whether anything is computed.
    pub(crate) fn computes(&self) -> bool {
        self.pricing.as_ref().is_some_and(|pricing| pricing.prices.read().is_some())
    }
}

/// The name of the scope of everything that is computed here.
pub const SCOPE: &str = "tokenledger";

/// Names of all metrics that are computed, here and by the connector, begin so.
const PREFIX: &[u8] = b"token_ledger.";

/// Whether a metric is one of those that are computed.
pub(crate) fn is_computed(name: &[u8]) -> bool {
    name.starts_with(PREFIX)
}

/// A metric that is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Computed {
    /// Dollars at list price.
    Cost,
    /// Dollars that cache reads saved.
    Savings,
    /// Tokens that no price is known for.
    Unpriced,
    /// Dollars reported minus dollars computed.
    Difference,
    /// Tokens with something missing.
    Quality,
    /// Clients that are heard, and that are not any more.
    Clients,
}

impl Computed {
    /// Name, unit and description; the assumption on cache writes is part of the latter.
    fn texts(self, cache_writes: &str) -> [String; 3] {
        let (name, unit, description) = match self {
            Self::Cost => (
                "cost",
                "USD",
                format!(
                    "List-price estimate of what tokens cost, less the discounts of a price file; not a bill, and on a subscription nothing is paid per \
                     token. Cache writes: {cache_writes}. Long-context prices are not applied."
                ),
            ),
            Self::Savings => {
                ("cost.savings", "USD", "What reading from caches saved against input at list price.".into())
            }
            Self::Unpriced => {
                ("tokens.unpriced", "{token}", "Tokens of models without a known price.".into())
            }
            Self::Difference => (
                "cost.difference",
                "USD",
                format!("Cost as clients report it minus token_ledger.cost. Cache writes: {cache_writes}."),
            ),
            Self::Quality => ("data_quality.tokens", "{token}", "Tokens whose telemetry lacks something.".into()),
            Self::Clients => (
                "clients",
                "{client}",
                "Clients heard within seven days, since the start of the collector: active within the last day, or silent \
                 since."
                    .into(),
            ),
        };
        [format!("token_ledger.{name}"), unit.into(), description]
    }

    fn is_monotonic(self) -> bool {
        !matches!(self, Self::Difference | Self::Clients)
    }

    fn is_gauge(self) -> bool {
        self == Self::Clients
    }
}
