//! Third pass over a batch: every point into its ledger stream, one shard after the other.

use std::sync::atomic::Ordering;

use crate::addition::Added;
use crate::batch::{Batch, MetricKind};
use crate::budget::Claim;
use crate::clock::Now;
use crate::config::Retransmissions;
use crate::engine::{Engine, SHARDS};
use crate::group::group_by_shard;
use crate::identity::Identity;
use crate::number::Number;
use crate::output_time::window_start;
use crate::path::Labels;
use crate::result::{BatchResult, Course, IncomingPoint, IncomingValue, Spelling, Touched, Zero};
use crate::route::at_the_tick;
use crate::shard::{BODY_BYTES, Body, STREAM_BYTES, Shard, list_bytes};
use crate::source::Link;
use crate::stream::{Answer, Emission, NewStream, Output};
use crate::trim::Trimmer;
use crate::verdict::{Action, AddedPoint, Outcomes};

/// Points of one shard that are looked up before the first of them is applied.
const LOOK_AHEAD: usize = 16;

/// Overflow streams without resource that there is room for when all others are taken: one for each
/// name of a metric.
const LAST_STREAMS: u32 = 4096;

/// Words of histograms that one request is answered with at most; beyond them the points of a stream
/// coalesce into its last one (D5), so that many points of one large histogram stay cheap.
const MAX_ANSWER_WORDS: usize = 1 << 18;

/// One batch on its way into an engine.
pub(crate) struct Application<'a, B> {
    pub engine: &'a Engine,
    pub batch: &'a B,
    pub emission: Emission,
    pub now: Now,
    /// D3a: the whole request was seen before.
    pub repeat: bool,
}

/// Which streams take the points of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// Each point its own.
    Ordinary,
    /// What found no room: the overflow stream of its metric (T5), or the one for all resources.
    Overflow(Claim),
}

impl Round {
    pub(crate) fn claim(self) -> Claim {
        match self {
            Self::Ordinary => Claim::Ordinary,
            Self::Overflow(claim) => claim,
        }
    }
}

impl<B: Batch> Application<'_, B> {
    /// Applies all points of `result` and fills in their verdicts.
    pub fn run(&self, result: &mut BatchResult) {
        if self.repeat {
            repeat_plain(result);
        }
        if result.has_sources {
            self.route(result);
        }
        self.apply_all(result);
        self.learn_links(result);
        self.compute(result);
        self.count_usage(result);
    }

    /// Applies points that the engine itself made ([`crate::computed`]): they have no source to remember anything
    /// for, and nothing of them goes out in the batch.
    pub(crate) fn run_computed(&self, result: &mut BatchResult) {
        for index in 0..result.points.len() {
            if !result.points[index].oversized {
                let trimmed =
                    self.trimmer().trim(result.path(&result.points[index]), result.points[index].attributes);
                result.points[index].stream = trimmed.ledger;
                result.points[index].spelling = Spelling::Unknown(trimmed.spelling);
            }
        }
        self.apply_all(result);
    }

    fn apply_all(&self, result: &mut BatchResult) {
        let mut order = std::mem::take(&mut result.order);
        let open = (0..result.points.len() as u32)
            .filter(|index| result.points[*index as usize].course != Course::Done);
        let ends = group_by_shard(&result.points, open, &mut order);
        for (_, group) in ends.groups(&order) {
            self.apply_group(group, result, Round::Ordinary);
        }
        result.order = order;
        self.apply_roomless(result);
    }

    /// Applies the points `group`, which all live in one shard.
    pub(crate) fn apply_group(&self, group: &[u32], result: &mut BatchResult, round: Round) {
        let Some(first) = group.first() else { return };
        let number = result.points[*first as usize].shard();
        let mut shard = self.engine.shards[number].lock();
        let touched_before = result.touched.len();
        for group in group.chunks(LOOK_AHEAD) {
            // All look-ups first: they do not depend on each other, so their cache misses overlap.
            let mut known = [None; LOOK_AHEAD];
            for (known, index) in known.iter_mut().zip(group) {
                let point = &result.points[*index as usize];
                *known = if point.link == Link::NONE {
                    shard.find(point.stream)
                } else {
                    shard.follow(point.link)
                };
            }
            for (known, index) in known.into_iter().zip(group) {
                let (slot, fresh) = match self.slot(&mut shard, known, *index, result, round) {
                    Found::Known(slot) => (slot, false),
                    Found::New(slot) => (slot, true),
                    Found::NotNeeded => continue,
                    Found::NoRoom => {
                        result.roomless.push(*index);
                        continue;
                    }
                };
                let visit = Visit { slot, index: *index, round, fresh, touched_before };
                self.apply_point(&mut shard, visit, result);
            }
        }
        self.finish(&mut shard, touched_before, result);
    }

    /// The stream of a point; made if there is none and something is to be added.
    fn slot(
        &self,
        shard: &mut Shard,
        known: Option<u32>,
        index: u32,
        result: &mut BatchResult,
        round: Round,
    ) -> Found {
        let point = &mut result.points[index as usize];
        if known.is_none() && point.link != Link::NONE {
            // The ledger stream was forgotten, its source was not.
            let trimmed = self.trimmer().trim(&result.metrics[point.metric as usize], point.attributes);
            result.unlinked.push((index, point.stream));
            point.link = Link::NONE;
            point.stream = trimmed.ledger;
            point.spelling = Spelling::Unknown(trimmed.spelling);
        }
        // Looked up again if unknown: an earlier point of this very group may have made it.
        if let Some(slot) = known.or_else(|| shard.find(point.stream)) {
            return Found::Known(slot);
        }
        if point.course == Course::Repeat {
            return Found::NotNeeded;
        }
        let point = *point;
        self.create(shard, &point, result, round).map_or(Found::NoRoom, Found::New)
    }

    fn apply_point(&self, shard: &mut Shard, visit: Visit, result: &mut BatchResult) {
        self.settle_spelling(shard, visit, result);
        let (slot, round) = (visit.slot, visit.round);
        let point = result.points[visit.index as usize];
        let stream = shard.get_mut(slot);
        let identity = stream.identity();
        let touched = touch(&mut stream.touched, &mut result.touched, visit.touched_before, slot, identity);
        stream.last_seen_second = self.emission.clock.monotonic_second;
        match point.course {
            Course::Repeat => return shard.mark_pending(slot), // D3: the total goes out again
            Course::Base if !visit.fresh => {
                result.outcomes.baseline += 1;
                return; // T3: a known stream gains nothing
            }
            Course::Done => return,
            Course::Add | Course::Base => {}
        }
        // Windows of many sources meet in an overflow stream: four would not tell them apart.
        let path = result.path(&point);
        let plain = !path.plan.two_level && path.is_windowed() && stream.birth() == 0;
        let recognise = plain && point.window != 0 && self.recognises() && round == Round::Ordinary;
        if recognise && !stream.remember_window(point.window) {
            result.outcomes.duplicate += 1;
            result.points[visit.index as usize].course = Course::Repeat;
            return shard.mark_pending(slot);
        }
        let remembered = &mut result.touched[touched].windows;
        *remembered = remembered.saturating_add(u8::from(recognise));
        match self.add(shard, slot, &point, result, round) {
            Added::Yes => {}
            Added::Superseded => {
                result.outcomes.superseded += 1;
                result.points[visit.index as usize].course = Course::Done;
                if self.repeat {
                    shard.mark_pending(slot);
                }
                return;
            }
            Added::Invalid => {
                result.outcomes.invalid += 1;
                result.points[visit.index as usize].course = Course::Done;
                return;
            }
            // T5: what an existing stream has no room for adds up elsewhere; a gauge's value is refused.
            Added::NoRoom => {
                // Its window is known now; the next round must not take it for a retransmission.
                result.points[visit.index as usize].window =
                    if point.is_distribution() { 0 } else { point.window };
                return result.roomless.push(visit.index);
            }
        }
        result.touched[touched].changed = true;
        result.touched[touched].changed_since = true;
        self.answer(shard, visit, &point, result, touched);
    }

    /// D4–D6: what goes out for a point whose value has just been added.
    fn answer(
        &self,
        shard: &mut Shard,
        visit: Visit,
        point: &IncomingPoint,
        result: &mut BatchResult,
        touched: usize,
    ) {
        let slot = visit.slot;
        let crowded = result.words.len() > MAX_ANSWER_WORDS && point.is_distribution();
        let emission = match point.spelling {
            Spelling::Other => at_the_tick(&self.emission),
            _ if crowded => at_the_tick(&self.emission),
            _ => self.emission,
        };
        let answer = shard.get_mut(slot).answer(point.time_unix_nano, &emission);
        let overflow = visit.round != Round::Ordinary;
        count(&mut result.outcomes, overflow, point.course, answer);
        let verdict = &mut result.verdicts[point.number as usize];
        match answer {
            Answer::Emit { zero, value } => {
                result.touched[touched].emitted = Some(point.number);
                result.touched[touched].changed_since = false;
                let action = if overflow { Action::WriteOverflow } else { Action::Write };
                verdict.write(action, value.start_unix_nano, value.time_unix_nano, value.value);
                if let Some(Body::Distribution(total)) = shard.body(shard.get(slot)) {
                    verdict.value_bits = result.words.len() as u64;
                    total.write(&mut result.words);
                }
                if zero.is_some() || result.touched[touched].zero == Zero::Alone {
                    result.touched[touched].zero = Zero::WithValue(0); // the time follows at the end
                }
                if let Some(zero) = zero {
                    result.added.push(added(zero, point.number, overflow));
                }
            }
            Answer::EmitZero(zero) => {
                result.touched[touched].zero = Zero::Alone;
                // An overflow stream's zero is added beside the dropped point, so that one action suffices.
                if overflow {
                    result.added.push(added(zero, point.number, overflow));
                } else {
                    verdict.write(Action::WriteZero, zero.start_unix_nano, zero.time_unix_nano, zero.value);
                }
                shard.mark_pending(slot);
            }
            Answer::Wait | Answer::WaitLate => shard.mark_pending(slot),
        }
    }

    /// D5: the last point that went out for a stream carries everything the batch added to it.
    fn finish(&self, shard: &mut Shard, touched_before: usize, result: &mut BatchResult) {
        for touched in &mut result.touched[touched_before..] {
            let Some(number) = touched.emitted else { continue };
            if let Zero::WithValue(milli) = &mut touched.zero {
                *milli = shard.get(touched.slot).last_emitted_milli;
            }
            let verdict = &mut result.verdicts[number as usize];
            shard.get_mut(touched.slot).set_pending(false);
            if let Some(Body::Distribution(total)) = shard.body(shard.get(touched.slot)) {
                if touched.changed_since {
                    verdict.value_bits = result.words.len() as u64;
                    total.write(&mut result.words);
                }
                continue;
            }
            let total = shard.get(touched.slot).total();
            verdict.value_bits = total.bits();
            verdict.is_double = u8::from(matches!(total, Number::Double(_)));
        }
        shard.note_touched(&result.touched[touched_before..]);
    }

    /// T0: whether the point can carry the total of its stream, and the latest text of its resource.
    fn settle_spelling(&self, shard: &mut Shard, visit: Visit, result: &mut BatchResult) {
        let round = visit.round;
        let point = &mut result.points[visit.index as usize];
        let link = shard.link(point.shard(), visit.slot);
        let stream = shard.get_mut(visit.slot);
        if link.birth == 0 {
            return; // a stream of one level: its points are its own
        }
        if let Spelling::Unknown(spelling) = point.spelling {
            let same = stream.spelling() == spelling;
            point.spelling = if same { Spelling::Same } else { Spelling::Other };
            if round == Round::Ordinary {
                point.link = link;
            }
        }
        if let Some(text) = point.text
            && text != stream.metric
            && point.spelling == Spelling::Same
            && round == Round::Ordinary
        {
            // By its identity: since the second pass the source may have been forgotten, text and all.
            let path = &result.metrics[point.metric as usize];
            let latest = self.engine.catalog.acquire_metric(self.batch, path, &self.engine.trimming);
            let former = std::mem::replace(&mut stream.metric, latest);
            shard.note_other_text(visit.slot, &self.engine.catalog);
            self.engine.catalog.release_metric(former);
        }
    }

    /// A new stream; `None` where the limits leave no room, or where its attributes would take too
    /// much (T5). Overflow streams have as much room again, so even a flood of metrics stays bounded.
    fn create(
        &self,
        shard: &mut Shard,
        point: &IncomingPoint,
        result: &BatchResult,
        round: Round,
    ) -> Option<u32> {
        let (engine, path) = (self.engine, result.path(point));
        let counter = match round {
            Round::Ordinary if point.oversized => return None,
            Round::Ordinary => &engine.stream_count,
            Round::Overflow(_) => &engine.overflow_count,
        };
        let claim = round.claim();
        if !engine.budget.has_room(self.cost(point, result, round), claim) {
            return None;
        }
        let limit = match claim {
            Claim::Last => engine.config.max_streams.saturating_add(LAST_STREAMS),
            Claim::Ordinary | Claim::Overflow => engine.config.max_streams,
        };
        counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < limit).then_some(n + 1)).ok()?;
        let attributes = match round {
            Round::Ordinary => engine.intern_trimmed(&self.trimmer(), path.plan, point.attributes),
            Round::Overflow(_) => self.intern_overflow(),
        };
        let spelling = match point.spelling {
            Spelling::Unknown(spelling) => Some(spelling),
            Spelling::Same | Spelling::Other => None,
        };
        let is_gauge = path.metric.kind == MetricKind::Gauge;
        let start = window_start(point.start_unix_nano, point.time_unix_nano, self.now.wall_unix_nano);
        let new = NewStream {
            identity: point.stream,
            metric: engine.catalog.acquire_metric(self.batch, path, &engine.trimming),
            begins_at_zero: path.metric.monotonic && point.course != Course::Base,
            is_gauge,
            is_double: matches!(point.value, IncomingValue::Number(Number::Double(_))),
            overflow: round != Round::Ordinary,
            spelling: spelling.or_else(|| path.plan.two_level.then_some(0)),
            start_unix_nano: if is_gauge { 0 } else { start },
            second: self.emission.clock.monotonic_second,
            attributes,
            floor_milli: 0,
        };
        engine.budget.add(STREAM_BYTES + list_bytes(&new.attributes));
        let slot = shard.insert(new, engine.floor_milli);
        shard.note_stream(slot, &engine.catalog);
        Some(slot)
    }

    /// Bytes that a new stream takes at most.
    pub(crate) fn cost(&self, point: &IncomingPoint, result: &BatchResult, round: Round) -> usize {
        let attributes = match round {
            // Each interned text costs its entry; a record has at least 8 bytes.
            Round::Ordinary => self.attribute_bytes(point) * 4,
            Round::Overflow(_) => 256,
        };
        let body = match point.value {
            IncomingValue::Distribution { length, .. } => 2 * 8 * length as usize + BODY_BYTES,
            _ => 0,
        };
        STREAM_BYTES + attributes + body + self.engine.catalog.metric_cost(result.path(point))
    }

    fn attribute_bytes(&self, point: &IncomingPoint) -> usize {
        let split = self.batch.split_attributes(point.attributes);
        split.map_or(0, |(shared, own)| shared.length as usize + own.length as usize)
    }

    pub(crate) fn trimmer(&self) -> Trimmer<'_, B> {
        let engine = self.engine;
        let labels = Labels::new(&engine.config);
        Trimmer { batch: self.batch, key: &engine.key, trimming: &engine.trimming, labels }
    }

    /// D3b: whether equal windows are retransmissions.
    pub(crate) fn recognises(&self) -> bool {
        self.engine.config.retransmissions == Retransmissions::Recognise
    }
}

/// One point at its stream.
#[derive(Clone, Copy, Debug)]
struct Visit {
    slot: u32,
    /// Of the point, in the batch's list.
    index: u32,
    round: Round,
    /// Whether the stream was made for this point.
    fresh: bool,
    touched_before: usize,
}

/// What was found of a point's stream.
enum Found {
    Known(u32),
    New(u32),
    NoRoom,
    NotNeeded,
}

/// D3a: the plain windows of a request that was seen before add nothing.
fn repeat_plain(result: &mut BatchResult) {
    for index in 0..result.points.len() {
        let path = result.path(&result.points[index]);
        if path.is_windowed() && !path.plan.two_level {
            result.points[index].course = Course::Repeat;
            result.outcomes.duplicate += 1;
        }
    }
}

/// The place of a stream in the list of streams that were touched since the shard was locked.
///
/// The stream remembers its place; it counts only if the list agrees, so nothing needs resetting.
/// Places before `locked_at` are of an earlier lock: other batches may have come in between, so
/// what went out then must not be written again.
fn touch(place: &mut u32, list: &mut Vec<Touched>, locked_at: usize, slot: u32, identity: Identity) -> usize {
    let since = list.get(locked_at..).unwrap_or_default();
    let known = (*place as usize).checked_sub(locked_at).and_then(|place| since.get(place));
    if !known.is_some_and(|touched| touched.identity == identity) {
        *place = list.len() as u32;
        let shard = identity.shard(SHARDS) as u8;
        list.push(Touched {
            identity,
            slot,
            shard,
            emitted: None,
            changed_since: false,
            zero: Zero::No,
            changed: false,
            windows: 0,
        });
    }
    *place as usize
}

fn count(outcomes: &mut Outcomes, overflow: bool, course: Course, answer: Answer) {
    match answer {
        _ if course == Course::Base => outcomes.baseline += 1, // T3: a new stream begins at the total
        _ if overflow => outcomes.overflow += 1,
        Answer::WaitLate => outcomes.late += 1,
        _ => outcomes.accepted += 1,
    }
}

fn added(zero: Output, point: u32, overflow: bool) -> AddedPoint {
    AddedPoint {
        start_unix_nano: zero.start_unix_nano,
        time_unix_nano: zero.time_unix_nano,
        point,
        is_double: u8::from(matches!(zero.value, Number::Double(_))),
        overflow: u8::from(overflow),
        reserved: [0; 2],
    }
}
