//! A script of batches, ticks, refusals and clock steps against an engine, and the sums that must come out.

mod generate;
mod reader;
mod script;
mod settings;
mod truth;

use tokenledger::{BatchResult, Engine, Now, Tick};

use crate::bytes::Bytes;
use crate::through::{NOW, new_engine, outcomes};
use generate::Generator;
use reader::Reader;
use script::Script;
use settings::Settings;
use truth::Truth;

const SECOND: u64 = 1_000_000_000;
/// Whole requests are recognised for this long (D3a); scripts end before.
const LONGEST_SCRIPT: u64 = 29 * 60 * SECOND;

/// Runs `data` as a script. Two bytes choose the settings, each six further bytes are a step.
///
/// Promises: every increment that was taken comes out, once, whatever rules remove and limits merge
/// (D2, D3, D5, D12–D14, T0–T5, L4, L5); totals of cumulative members are never counted twice (T3); the
/// output of a series is strictly newer each time, in whole milliseconds (D4), and never falls while
/// its start stays; it begins at 0 (D6) unless that zero was refused with its value; each point has one outcome.
pub fn engine(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut run = Run::new(Settings::new(bytes.byte(), bytes.byte()));
    while !bytes.is_empty() && run.now.monotonic_nano - NOW.monotonic_nano <= LONGEST_SCRIPT {
        run.step(&mut bytes);
    }
    run.finish();
}

struct Run {
    engine: Engine,
    settings: Settings,
    now: Now,
    generator: Generator,
    batch: Script,
    previous: Option<Script>,
    /// Whether the previous batch was refused and not sent again since.
    refused: bool,
    result: BatchResult,
    truth: Truth,
    reader: Reader,
}

impl Run {
    fn new(settings: Settings) -> Self {
        Self {
            engine: new_engine(settings.config(), NOW),
            now: NOW,
            generator: Generator::default(),
            batch: Script::default(),
            previous: None,
            refused: false,
            result: BatchResult::default(),
            truth: Truth::new(settings),
            reader: Reader::new(settings),
            settings,
        }
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let kind = bytes.byte() % 16;
        if kind < generate::KINDS {
            let point = self.generator.point(kind, self.now, bytes);
            // In which order two totals of one member count within a batch is nobody's promise; and where
            // points may be refused, it is not said which.
            if self.batch.has_member_of(&point)
                || self.settings.is_limited() && self.batch.has_other_kinds_than(&point)
            {
                self.send(false);
            }
            self.batch.points.push(point);
            return;
        }
        let [a, b, ..] = [bytes.byte(), bytes.byte(), bytes.byte(), bytes.byte(), bytes.byte()];
        match kind {
            12 => self.send(a % 4 == 0),
            13 => self.send_again(),
            14 => {
                self.advance(u64::from(a) * SECOND / 16);
                self.tick(false, b % 4 == 0);
            }
            _ if b % 2 == 0 => self.now.wall_unix_nano -= u64::from(a) * SECOND,
            _ => self.advance(u64::from(a) * 2 * SECOND),
        }
    }

    fn send(&mut self, refuse: bool) {
        if self.batch.points.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch).sealed();
        self.deliver(&batch, refuse, true);
        (self.previous, self.refused) = (Some(batch), refuse);
    }

    /// D3a: a sender's retry. Where equal points are added, only that of a refused batch, once; a batch
    /// that holds a point without time is never recognised.
    fn send_again(&mut self) {
        let recognised = self.settings.recognises() || std::mem::take(&mut self.refused);
        let Some(batch) = self.previous.take_if(|batch| recognised && batch.has_digest()) else { return };
        self.deliver(&batch, false, false);
        self.previous = Some(batch);
    }

    fn deliver(&mut self, batch: &Script, refuse: bool, first: bool) {
        let consumed = self.engine.consume(batch, self.now, &mut self.result);
        assert_eq!(consumed, Ok(()));
        assert_eq!(self.result.verdicts.len(), batch.points.len());
        assert_eq!(outcomes(&self.result.outcomes), batch.points.len() as u64, "each point has one outcome");
        if first {
            self.truth.sent(batch, &self.result, self.now);
        }
        self.reader.batch(batch, &self.result, refuse);
        if refuse {
            self.engine.refused(&self.result, self.now);
        }
    }

    fn advance(&mut self, nanoseconds: u64) {
        self.now.wall_unix_nano += nanoseconds;
        self.now.monotonic_nano += nanoseconds;
    }

    fn tick(&mut self, last: bool, refuse: bool) {
        self.settings.check_limits(&self.engine.stats());
        let mut tick = Tick::default();
        while !tick.is_done() {
            self.engine.tick(self.now, last, &mut tick).unwrap_or_default();
            self.reader.tick(&tick, refuse);
            if refuse {
                self.engine.tick_refused(&tick, &[]);
            }
        }
    }

    fn finish(mut self) {
        self.send(false);
        self.tick(true, false);
        self.truth.check(&self.reader.totals());
        self.tick(true, false);
    }
}
