//! What stands behind the opaque pointers: an engine that can be poisoned, and reusable scratch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tokenledger::identity::SECRET_BYTES;
use tokenledger::ledger::{OpenError, Opening};
use tokenledger::{BatchResult, Config, Engine, IdentityKey, Now, Tick};
use tokenledger_otlp::emission::{self, Emission};
use tokenledger_prices::Prices;
use tokenledger_storage::Settings;

use crate::drill::FullDisk;
use crate::flat::FlatBatch;
use crate::panic::contain;
use crate::status::{Failure, Status};

/// Engines alive in this process: lets tests see a leak.
static LIVE_ENGINES: AtomicU64 = AtomicU64::new(0);

/// An engine behind the boundary. After a panic it answers every call with [`Status::Poisoned`].
#[derive(Debug)]
pub struct EngineHandle {
    engine: Engine,
    poisoned: AtomicBool,
    panic_next: AtomicBool,
    full_disk: FullDisk,
    /// What the storage says of the place where the ledger is.
    warnings: Vec<String>,
}

/// Answers to one batch, reused by the caller for the next.
#[derive(Debug, Default)]
pub struct ResultHandle {
    pub(crate) result: BatchResult,
}

/// One tick under way, with the payloads of its current chunk.
#[derive(Debug, Default)]
pub struct TickHandle {
    tick: Tick,
    pub(crate) payloads: Vec<Emission>,
}

impl TickHandle {
    pub(crate) fn is_done(&self) -> bool {
        self.tick.is_done()
    }
}

impl EngineHandle {
    /// An engine from JSON with the fields of [`Config`] and a random secret for identities. `storage_json`
    /// has the fields of [`Settings`], or is empty: then totals end with the engine.
    pub(crate) fn create(
        config_json: &[u8],
        storage_json: &[u8],
        secret: &[u8],
        now: Now,
    ) -> Result<(Self, Opening), Failure> {
        let config: Config = parse("configuration", config_json)?;
        let secret = secret.try_into().map_err(|_| {
            Failure::new(Status::InvalidArgument, format!("the secret must have {SECRET_BYTES} random bytes"))
        })?;
        let (key, full_disk) = (IdentityKey::new(secret), FullDisk::default());
        let (engine, opening, warnings) = if storage_json.is_empty() {
            (Engine::new(config, key, now).map_err(OpenError::from)?, Opening::default(), Vec::new())
        } else {
            let began = Instant::now();
            let settings: Settings = parse("storage", storage_json)?;
            let mut opened = tokenledger_storage::open(&settings)?;
            opened.keeping.storage = full_disk.in_front_of(opened.keeping.storage);
            let (engine, mut opening) = Engine::open(config, key, now, opened.keeping)?;
            opening.nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            (engine, opening, opened.warnings)
        };
        LIVE_ENGINES.fetch_add(1, Ordering::Relaxed);
        let (poisoned, panic_next) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok((Self { engine, poisoned, panic_next, full_disk, warnings }, opening))
    }

    /// What the storage says of the place where the ledger is.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn consume(&self, buffer: &[u8], result: &mut ResultHandle) -> Result<(), Failure> {
        self.guarded(|engine| {
            let batch = FlatBatch::parse(buffer)?;
            engine.ready(batch.now())?;
            engine.consume(&batch, batch.now(), &mut result.result)?;
            Ok(())
        })
    }

    pub(crate) fn settle(&self, ticket: u64, now: Now) -> Result<(), Failure> {
        self.guarded(|engine| Ok(engine.settle(ticket, now)?))
    }

    pub(crate) fn maintain(&self, now: Now, last: bool) -> Result<(), Failure> {
        self.guarded(|engine| Ok(engine.maintain(now, last)?))
    }

    pub(crate) fn refused(&self, result: &ResultHandle, now: Now) -> Result<(), Failure> {
        self.guarded(|engine| {
            engine.refused(&result.result, now);
            Ok(())
        })
    }

    pub(crate) fn tick(&self, now: Now, last: bool, tick: &mut TickHandle) -> Result<(), Failure> {
        self.guarded(|engine| {
            tick.payloads.clear(); // nothing goes out where the ledger cannot be written
            engine.tick(now, last, &mut tick.tick)?;
            tick.payloads = emission::encode(&tick.tick);
            Ok(())
        })
    }

    pub(crate) fn tick_refused(&self, tick: &TickHandle, payload: u64) -> Result<(), Failure> {
        let payload = usize::try_from(payload).ok().and_then(|number| tick.payloads.get(number));
        let payload = payload
            .ok_or_else(|| Failure::new(Status::InvalidArgument, "there is no payload of that number"))?;
        self.guarded(|engine| {
            engine.tick_refused(&tick.tick, &payload.metadata);
            Ok(())
        })
    }

    pub(crate) fn set_prices(&self, prices: Arc<Prices>) -> Result<(), Failure> {
        self.guarded(|engine| {
            engine.set_prices(prices);
            Ok(())
        })
    }

    pub(crate) fn stats(&self) -> Result<tokenledger::Stats, Failure> {
        self.guarded(|engine| Ok(engine.stats()))
    }

    /// T1: false too where the engine is out of use, because points pass unchanged then.
    pub(crate) fn removes_attribute(&self, name: &[u8], key: &[u8]) -> bool {
        self.guarded(|engine| Ok(engine.removes_attribute(name, key))).unwrap_or(false)
    }

    /// The drill behind `tl_engine_inject_panic`.
    pub(crate) fn panic_at_next_call(&self) {
        self.panic_next.store(true, Ordering::Relaxed);
    }

    /// The drill behind `tl_engine_inject_full_disk`.
    pub(crate) fn fill_disk(&self, full: bool) {
        self.full_disk.set(full);
    }

    /// Runs `body` unless the handle is poisoned; a panic poisons it.
    fn guarded<T>(&self, body: impl FnOnce(&Engine) -> Result<T, Failure>) -> Result<T, Failure> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Failure::new(Status::Poisoned, "the engine panicked earlier and is out of use"));
        }
        let outcome = contain(|| {
            if self.panic_next.swap(false, Ordering::Relaxed) {
                injected();
            }
            body(&self.engine)
        });
        outcome.unwrap_or_else(|message| {
            self.poisoned.store(true, Ordering::Release);
            Err(Failure {
                fresh: true,
                ..Failure::new(Status::Poisoned, format!("the engine panicked: {message}"))
            })
        })
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        LIVE_ENGINES.fetch_sub(1, Ordering::Relaxed);
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(what: &str, json: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json)
        .map_err(|error| Failure::new(Status::Configuration, format!("{what}: {error}")))
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Config(error) => Self::new(Status::Configuration, error.to_string()),
            OpenError::Storage(error) => error.into(),
        }
    }
}

/// Engines alive in this process.
pub(crate) fn live_engines() -> u64 {
    LIVE_ENGINES.load(Ordering::Relaxed)
}

#[allow(clippy::panic)] // the one place that is asked to
fn injected() {
    panic!("injected by tl_engine_inject_panic");
}

/// Handles are shared between the caller's threads; the engine locks for itself.
const _: () = {
    const fn shareable<T: Send + Sync>() {}
    shareable::<EngineHandle>();
    const fn movable<T: Send>() {}
    movable::<ResultHandle>();
    movable::<TickHandle>();
};
