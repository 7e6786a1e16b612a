//! An engine with a ledger, its clocks, senders that repeat what was not acknowledged, and readers: the whole
//! can crash and start again.

use tokenledger::ledger::{Keeping, Opening, StorageError};
use tokenledger::{BatchResult, Config, Engine, IdentityMode, Now, Tick};

use crate::memory::Memory;
use crate::world::batch::{Sample, WorldBatch};
use crate::world::series::{Output, Reader};
use crate::world::{self, BEGAN, MILLI, SECOND};

/// Snapshots are made when a test asks for them.
const SNAPSHOT_INTERVAL: u64 = 0;

#[derive(Debug)]
pub struct Station {
    pub memory: Memory,
    pub config: Config,
    /// `None` after a crash or a stop.
    engine: Option<Engine>,
    pub opening: Opening,
    /// Unix nanoseconds.
    pub wall: u64,
    /// Nanoseconds of the monotonic clock, which begins anew with each process.
    pub monotonic: u64,
    pub reader: Reader,
    pub result: BatchResult,
    /// When the process began: nothing may go out at or before that time.
    floor: u64,
}

/// Reads as those do whom the settings are for.
fn reader(config: &Config) -> Reader {
    match config.identity {
        IdentityMode::Otlp => Reader::otlp(),
        IdentityMode::Prometheus => Reader::prometheus(config.prometheus.clone()),
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// It was written, passed on and answered.
    Acknowledged(Vec<Output>),
    /// The sender has to repeat it.
    Refused,
}

impl Sent {
    pub fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Acknowledged(_))
    }
}

impl Station {
    pub fn new(config: Config) -> Self {
        Self::with(config, Memory::default())
    }

    /// A station whose engine begins with what `memory` holds.
    pub fn with(config: Config, memory: Memory) -> Self {
        let reader = reader(&config);
        let mut station = Self {
            memory,
            config,
            engine: None,
            opening: Opening::default(),
            wall: BEGAN,
            monotonic: 0,
            reader,
            result: BatchResult::default(),
            floor: BEGAN,
        };
        station.start();
        station
    }

    pub fn now(&self) -> Now {
        Now { wall_unix_nano: self.wall, monotonic_nano: self.monotonic }
    }

    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub fn is_running(&self) -> bool {
        self.engine.is_some()
    }

    /// Time passes; both clocks go on.
    pub fn pass(&mut self, nanos: u64) -> &mut Self {
        self.wall += nanos;
        self.monotonic += nanos;
        self
    }

    /// Seconds after [`BEGAN`], for samples.
    pub fn second(&self) -> u64 {
        (self.wall - BEGAN) / SECOND
    }

    /// The process ends without a word.
    pub fn crash(&mut self) -> &mut Self {
        self.engine = None;
        self.result = BatchResult::default();
        self
    }

    /// Opens an engine on what is stored. A new process has a monotonic clock of its own.
    pub fn start(&mut self) -> &mut Self {
        assert!(self.try_start().is_ok());
        self
    }

    pub fn try_start(&mut self) -> Result<(), tokenledger::ledger::OpenError> {
        let keeping = Keeping {
            storage: Box::new(self.memory.clone()),
            usage: None,
            snapshot_interval_nano: SNAPSHOT_INTERVAL,
            usage_retention_nano: 0,
        };
        let opened = Engine::open(self.config.clone(), world::key(), self.now(), keeping)?;
        (self.engine, self.opening) = (Some(opened.0), opened.1);
        self.floor = if self.config.max_lag_nano == 0 { 0 } else { self.wall / MILLI * MILLI };
        Ok(())
    }

    /// Crash and start; the new process's monotonic clock begins at this many seconds.
    pub fn restart_at(&mut self, monotonic_second: u64) -> &mut Self {
        self.crash();
        self.monotonic = monotonic_second * SECOND;
        self.start()
    }

    pub fn restart(&mut self) -> &mut Self {
        self.restart_at(0)
    }

    /// Crash, and start with other settings, with a reader that has seen nothing.
    pub fn restart_with(&mut self, config: Config) -> &mut Self {
        self.reader = reader(&config);
        self.config = config;
        self.restart()
    }

    /// One request of a sender.
    pub fn send(&mut self, samples: &[Sample]) -> Sent {
        match self.take_in(samples) {
            Ok(outputs) => {
                self.read(&outputs);
                Sent::Acknowledged(outputs)
            }
            Err(_) => Sent::Refused,
        }
    }

    /// Takes a request in and writes it; its answer and its outputs are the caller's to pass on or to lose.
    pub fn take_in(&mut self, samples: &[Sample]) -> Result<Vec<Output>, StorageError> {
        self.engine().ready(self.now())?;
        let outputs = self.consume(samples);
        let settled = self.engine().settle(self.result.ticket, self.now());
        if settled.is_err() {
            self.engine().refused(&self.result, self.now());
        }
        settled.map(|()| outputs)
    }

    /// Takes a request in, and no more: nobody hears of it.
    pub fn consume(&mut self, samples: &[Sample]) -> Vec<Output> {
        let (batch, now) = (WorldBatch::new(samples, &Vec::new()), self.now());
        let engine = self.engine.as_ref().unwrap();
        engine.consume(&batch, now, &mut self.result).unwrap();
        assert_eq!(world::count(&self.result.outcomes), samples.len() as u64, "one outcome per point");
        world::applied(samples, &batch, &self.result)
    }

    /// Sends until acknowledged; the third time at the latest that must be.
    pub fn insist(&mut self, samples: &[Sample]) -> Vec<Output> {
        for _ in 0..3 {
            if let Sent::Acknowledged(outputs) = self.send(samples) {
                return outputs;
            }
            self.pass(SECOND);
        }
        panic!("never acknowledged: {samples:?}");
    }

    /// Everything due goes out; an error ends the tick.
    pub fn tick(&mut self, last: bool) -> Result<Vec<Output>, StorageError> {
        let (mut tick, mut all) = (Tick::default(), Vec::new());
        while !tick.is_done() {
            all.extend(self.tick_chunk(last, &mut tick)?);
        }
        Ok(all)
    }

    /// One chunk of a tick.
    pub fn tick_chunk(&mut self, last: bool, tick: &mut Tick) -> Result<Vec<Output>, StorageError> {
        self.engine().tick(self.now(), last, tick)?;
        let mut chunk = Vec::new();
        for metric in tick.metrics() {
            chunk.extend(metric.points().map(|due| Output::of_tick(metric.descriptor, &due)));
        }
        self.read(&chunk);
        Ok(chunk)
    }

    /// A tick that is collected and written, and lost before anybody is told.
    pub fn lost_tick(&mut self) {
        let mut tick = Tick::default();
        while !tick.is_done() {
            self.engine().tick(self.now(), false, &mut tick).unwrap();
        }
    }

    pub fn maintain(&mut self) -> Result<(), StorageError> {
        self.engine().maintain(self.now(), false)
    }

    /// An orderly end: the last tick, the last snapshot.
    pub fn stop(&mut self) -> &mut Self {
        self.tick(true).unwrap();
        self.engine().maintain(self.now(), true).unwrap();
        self.crash()
    }

    pub fn read(&mut self, outputs: &[Output]) {
        for output in outputs.iter().filter(|output| output.written) {
            assert!(output.time > self.floor, "out at or before the start: {output:?}");
        }
        self.reader.read(outputs);
    }

    /// Seconds pass, with a tick in each.
    pub fn ticks(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.pass(SECOND).tick(false).unwrap();
        }
        self
    }

    /// Sum of the latest integer totals of all series of a metric.
    pub fn sum(&self, metric: &str) -> i64 {
        self.reader.latest(metric).map(|output| output.value.int()).sum()
    }

    /// Nothing went wrong that a reader or a storage could notice.
    pub fn assert_orderly(&self) {
        self.reader.assert_orderly();
        assert_eq!(self.memory.state().violations, Vec::<String>::new());
    }
}
