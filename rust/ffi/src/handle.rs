//! What stands behind the opaque pointers: an engine that can be poisoned, and reusable scratch.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokenledger::identity::SECRET_BYTES;
use tokenledger::{BatchResult, Config, Engine, IdentityKey, Now, Tick};
use tokenledger_otlp::emission::{self, Emission};

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
    /// An engine from JSON with the fields of [`Config`] and a random secret for identities.
    pub(crate) fn create(config_json: &[u8], secret: &[u8], now: Now) -> Result<Self, Failure> {
        let config: Config = serde_json::from_slice(config_json)
            .map_err(|error| Failure::new(Status::Configuration, format!("configuration: {error}")))?;
        let secret = secret.try_into().map_err(|_| {
            Failure::new(Status::InvalidArgument, format!("the secret must have {SECRET_BYTES} random bytes"))
        })?;
        let engine = Engine::new(config, IdentityKey::new(secret), now)
            .map_err(|error| Failure::new(Status::Configuration, error.to_string()))?;
        LIVE_ENGINES.fetch_add(1, Ordering::Relaxed);
        Ok(Self { engine, poisoned: AtomicBool::new(false), panic_next: AtomicBool::new(false) })
    }

    pub(crate) fn consume(&self, buffer: &[u8], result: &mut ResultHandle) -> Result<(), Failure> {
        self.guarded(|engine| {
            let batch = FlatBatch::parse(buffer)?;
            engine.consume(&batch, batch.now(), &mut result.result)?;
            Ok(())
        })
    }

    pub(crate) fn refused(&self, result: &ResultHandle, now: Now) -> Result<(), Failure> {
        self.guarded(|engine| {
            engine.refused(&result.result, now);
            Ok(())
        })
    }

    pub(crate) fn tick(&self, now: Now, last: bool, tick: &mut TickHandle) -> Result<(), Failure> {
        self.guarded(|engine| {
            engine.tick(now, last, &mut tick.tick);
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
