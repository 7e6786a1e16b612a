//! Second pass over a batch, for points of two levels: from the source stream to the ledger stream.
//!
//! Here retransmitted windows are recognised (D3b), the increase of cumulative members is found (T3),
//! and what rules leave of the attributes is looked up or worked out (T0–T2). What remains is a point
//! that adds something to a ledger stream; [`crate::apply`] does that.

use std::sync::atomic::Ordering;

use crate::apply::Application;
use crate::batch::{Batch, MetricKind, Temporality};
use crate::budget::Claim;
use crate::distribution::{Change, Distribution, DistributionRef};
use crate::engine::SHARDS;
use crate::group::group_by_shard;
use crate::identity::Identity;
use crate::intake;
use crate::member::{self, Step};
use crate::number::Number;
use crate::result::{BatchResult, Course, IncomingPoint, IncomingValue, Spelling};
use crate::source::{Link, Member, Source};
use crate::source_shard::{DISTRIBUTION_BYTES, SOURCE_BYTES, SourceShard};
use crate::stream::Emission;
use crate::trim::Trimmed;
use crate::verdict::{Action, AttributeEdit};

/// A point found no room for its source.
struct NoRoom;

impl<B: Batch> Application<'_, B> {
    /// Brings the points that have a source of their own to their ledger streams.
    pub(crate) fn route(&self, result: &mut BatchResult) {
        let mut order = std::mem::take(&mut result.order);
        let concerned = |point: &IncomingPoint, result: &BatchResult| {
            let path = result.path(point);
            path.plan.two_level || path.is_plain_total()
        };
        let chosen = (0..result.points.len() as u32)
            .filter(|index| concerned(&result.points[*index as usize], result));
        let ends = group_by_shard(&result.points, chosen, &mut order);
        for (_, group) in ends.groups(&order) {
            self.route_group(group, result, false);
        }
        result.order = order;
        self.route_roomless(result);
        result.point_edits.sort_unstable_by_key(|edit| (edit.owner, edit.attribute));
    }

    /// T5: idle sources make room; delta points that find none still reach their ledger stream,
    /// totals without a member are refused.
    fn route_roomless(&self, result: &mut BatchResult) {
        if result.roomless.is_empty() {
            return;
        }
        let cost = |point: &IncomingPoint| {
            let body = match point.value {
                IncomingValue::Distribution { length, .. } => DISTRIBUTION_BYTES + 16 * length as usize,
                _ => 0,
            };
            SOURCE_BYTES + body + self.engine.catalog.metric_cost(result.path(point))
        };
        let (wanted, bytes) = self.wanted(result, cost);
        if wanted > 0 {
            self.engine.make_room_for_sources(wanted, bytes, self.emission.clock.monotonic_second);
        }
        let roomless = std::mem::take(&mut result.roomless);
        for index in &roomless {
            self.route_group(std::slice::from_ref(index), result, true);
        }
        result.roomless = roomless;
        result.roomless.clear();
    }

    fn route_group(&self, group: &[u32], result: &mut BatchResult, last_chance: bool) {
        let Some(first) = group.first() else { return };
        let number = result.points[*first as usize].stream.shard(SHARDS);
        let mut shard = self.engine.sources[number].lock();
        for index in group {
            let mut point = result.points[*index as usize];
            let routed = self.route_point(&mut shard, *index, &mut point, result);
            match routed {
                Ok(()) => {}
                Err(NoRoom) if !last_chance => result.roomless.push(*index),
                Err(NoRoom) => self.route_without_source(&mut point, result),
            }
            result.points[*index as usize] = point;
        }
    }

    fn route_point(
        &self,
        shard: &mut SourceShard,
        index: u32,
        point: &mut IncomingPoint,
        result: &mut BatchResult,
    ) -> Result<(), NoRoom> {
        let path = *result.path(point);
        match path.metric.temporality {
            Temporality::Cumulative if path.is_plain_total() => self.plain_total(shard, point, result),
            Temporality::Cumulative => {
                let known_until =
                    if path.is_priced_total { self.latest_output(point).unwrap_or(0) } else { 0 };
                let slot = self.total(shard, point, result, known_until)?;
                self.link(shard, slot, index, point, result);
                Ok(())
            }
            Temporality::Delta => {
                let slot = self.window(shard, point, result)?;
                self.link(shard, slot, index, point, result);
                Ok(())
            }
        }
    }

    /// A delta window, or the value of a gauge.
    fn window(
        &self,
        shard: &mut SourceShard,
        point: &mut IncomingPoint,
        result: &mut BatchResult,
    ) -> Result<u32, NoRoom> {
        let slot = match shard.find(point.stream) {
            Some(slot) => slot,
            None => self
                .create_source(shard, point, result, 0, |metric| Source::of_windows(point.stream, metric))?,
        };
        let source = shard.get_mut(slot);
        source.last_seen_second = self.emission.clock.monotonic_second;
        let windowed = result.path(point).is_windowed();
        let recognise = windowed && point.window != 0 && self.recognises();
        let known = recognise && !source.remember_window(point.window);
        let changed = windowed && (recognise && !known || !self.repeat);
        if windowed && (self.repeat || known) {
            result.outcomes.duplicate += 1;
            point.course = Course::Repeat;
        } else if windowed {
            // A clock that is ahead must not spoil what comes later.
            source.window_ended(self.time(point).min(self.now.wall_unix_nano));
        }
        if changed {
            shard.note_value(slot, usize::from(recognise));
        }
        Ok(slot)
    }

    /// The latest output of the stream of one level that the point is of, if there is one.
    fn latest_output(&self, point: &IncomingPoint) -> Option<u64> {
        // Source shards are locked before ledger shards, never the other way round.
        let ledger = self.engine.shards[point.stream.shard(SHARDS)].lock();
        ledger.find(point.stream).map(|slot| ledger.get(slot).latest_output_nano())
    }

    /// D14: a total that no rule concerns is passed on, unless its stream got deltas before.
    fn plain_total(
        &self,
        shard: &mut SourceShard,
        point: &mut IncomingPoint,
        result: &mut BatchResult,
    ) -> Result<(), NoRoom> {
        let Some(known_until) = self.latest_output(point) else {
            result.outcomes.untouched += 1;
            result.verdicts[point.number as usize].action = Action::Keep as u8;
            point.course = Course::Done;
            return Ok(());
        };
        let sound = intake::is_sound(result.path(point), point.value, &result.words);
        if !intake::count_unusable(&mut result.outcomes, sound, point.no_recorded_value) {
            point.course = Course::Done;
            return Ok(());
        }
        self.total(shard, point, result, known_until).map(|_| ())
    }

    /// T3: finds what a total adds, and leaves it as the point's value.
    fn total(
        &self,
        shard: &mut SourceShard,
        point: &mut IncomingPoint,
        result: &mut BatchResult,
        known_until: u64,
    ) -> Result<u32, NoRoom> {
        let identity = self.member_identity(point);
        match shard.find(identity) {
            Some(slot) => {
                self.next_total(shard, slot, point, result);
                Ok(slot)
            }
            None => self.first_total(shard, identity, point, result, known_until),
        }
    }

    /// T3: the member is (source identity, start). It lies in its source's shard.
    fn member_identity(&self, point: &IncomingPoint) -> Identity {
        let member = self.engine.key.window(point.stream, point.start_unix_nano, 0, 0).0;
        let shard = (SHARDS - 1) as u128;
        Identity(member & !shard | point.stream.0 & shard)
    }

    fn first_total(
        &self,
        shard: &mut SourceShard,
        identity: Identity,
        point: &mut IncomingPoint,
        result: &mut BatchResult,
        known_until: u64,
    ) -> Result<u32, NoRoom> {
        let value = match point.value {
            IncomingValue::Number(number) => number,
            _ => Number::Int(0),
        };
        let member =
            Member { start_unix_nano: point.start_unix_nano, time_unix_nano: self.time(point), value };
        let body = last_value(point, &result.words);
        let body_bytes = body.as_ref().map_or(0, |body| body.bytes() + DISTRIBUTION_BYTES);
        let slot = self.create_source(shard, point, result, body_bytes, |metric| {
            Source::of_member(identity, metric, member)
        })?;
        if let Some(body) = body {
            self.engine.budget.add(body_bytes);
            shard.keep_distribution(slot, body);
        }
        shard.note_value(slot, 0);
        let deltas = shard.find(point.stream).map_or(0, |slot| shard.get(slot).latest_end_nano());
        let known_until =
            known_until.max(deltas).max(shard.forgotten_nano).max(self.engine.created_unix_nano);
        if !member::counts_in_full(point.start_unix_nano, known_until, self.now.wall_unix_nano) {
            point.course = Course::Base;
        }
        Ok(slot)
    }

    fn next_total(
        &self,
        shard: &mut SourceShard,
        slot: u32,
        point: &mut IncomingPoint,
        result: &mut BatchResult,
    ) {
        let (second, time) = (self.emission.clock.monotonic_second, self.time(point));
        let source = shard.get_mut(slot);
        source.last_seen_second = second;
        let last = source.member();
        if source.is_tombstone() {
            shard.revive(slot);
            self.engine.source_count.fetch_add(1, Ordering::Relaxed);
        }
        if time <= last.time_unix_nano {
            result.outcomes.superseded += 1;
            point.course = if self.repeat { Course::Repeat } else { Course::Done };
            return;
        }
        match point.value {
            IncomingValue::Number(newer) => {
                let monotonic = result.path(point).metric.monotonic;
                match member::step(last.value, last.time_unix_nano, newer, time, monotonic) {
                    Step::Increase(increase, Number::Int(0)) => point.value = IncomingValue::Number(increase),
                    Step::Increase(newer, last) => {
                        point.value = IncomingValue::Difference(result.differences.len() as u32);
                        result.differences.push((newer, last));
                    }
                    Step::Restart | Step::Superseded => {}
                }
                shard.get_mut(slot).set_member(Member { time_unix_nano: time, value: newer, ..last });
            }
            IncomingValue::Distribution { begin, length } => {
                shard.get_mut(slot).set_member(Member { time_unix_nano: time, ..last });
                self.advance(shard, slot, (begin, length), point, result);
            }
            IncomingValue::Difference(_) => {}
        }
        shard.note_value(slot, 0);
    }

    /// T3 for histograms: the increase takes the place of the total.
    fn advance(
        &self,
        shard: &mut SourceShard,
        slot: u32,
        (begin, length): (u32, u32),
        point: &mut IncomingPoint,
        result: &mut BatchResult,
    ) {
        let mut increase = Vec::new();
        let words = &result.words[begin as usize..(begin + length) as usize];
        let growth = 2 * size_of_val(words);
        if shard.distribution_bytes_of(slot) < growth && !self.engine.budget.has_room(growth, Claim::Ordinary)
        {
            result.outcomes.refused += 1;
            point.course = Course::Done;
            return;
        }
        let change = shard.with_distribution(slot, |last| {
            DistributionRef::parse(words).and_then(|newer| last.advance(&newer, &mut increase))
        });
        let Some((change, before, after)) = change else { return };
        self.engine.budget.change(before, after);
        match change {
            Ok(Change::Increase | Change::Restart) => {
                let begin = result.words.len() as u32;
                result.words.extend_from_slice(&increase);
                point.value = IncomingValue::Distribution { begin, length: increase.len() as u32 };
            }
            Err(_) => {
                result.outcomes.invalid += 1;
                point.course = Course::Done;
            }
        }
    }

    /// T1, T2: what is removed, and where the ledger stream is, as the source knows or as it is found out.
    fn link(
        &self,
        shard: &mut SourceShard,
        slot: u32,
        index: u32,
        point: &mut IncomingPoint,
        result: &mut BatchResult,
    ) {
        let source = shard.get_mut(slot);
        let identity = source.identity();
        point.text = Some(source.metric);
        point.spelling = if source.is_respelled() { Spelling::Other } else { Spelling::Same };
        let known = source.link != Link::NONE;
        if known && !source.has_edits() && source.order == point.attribute_order {
            result.verdicts[point.number as usize].remove = source.remove;
        } else {
            let trimmed = self.trimmer().trim(result.path(point), point.attributes);
            source.order = point.attribute_order;
            source.remove = trimmed.remove;
            source.set_edits(!trimmed.is_simple());
            note_edits(&trimmed, point.number, result);
            if !known {
                point.stream = trimmed.ledger;
                point.spelling = Spelling::Unknown(trimmed.spelling);
                result.unlinked.push((index, identity));
                return;
            }
        }
        point.stream = identity;
        point.link = source.link;
    }

    /// T5: a delta point without a source of its own; only its retransmissions are not recognised.
    fn route_without_source(&self, point: &mut IncomingPoint, result: &mut BatchResult) {
        let path = *result.path(point);
        if point.course == Course::Done {
            return;
        }
        if path.metric.temporality == Temporality::Cumulative {
            result.outcomes.refused += 1;
            point.course = Course::Done;
            return;
        }
        if self.repeat && path.is_windowed() {
            result.outcomes.duplicate += 1;
            point.course = Course::Repeat;
        }
        if point.oversized {
            return; // it has no stream of its own either
        }
        let trimmed = self.trimmer().trim(&path, point.attributes);
        point.stream = trimmed.ledger;
        point.spelling = Spelling::Unknown(trimmed.spelling);
        note_edits(&trimmed, point.number, result);
    }

    /// A new source; the ledger stream's own room is another matter.
    fn create_source(
        &self,
        shard: &mut SourceShard,
        point: &IncomingPoint,
        result: &BatchResult,
        body_bytes: usize,
        make: impl FnOnce(crate::intern::InternId) -> Source,
    ) -> Result<u32, NoRoom> {
        let engine = self.engine;
        let path = result.path(point);
        let bytes = SOURCE_BYTES + body_bytes + engine.catalog.metric_cost(path);
        if point.oversized || !engine.budget.has_room(bytes, Claim::Ordinary) {
            return Err(NoRoom);
        }
        let limit = engine.config.max_streams;
        let counted = engine
            .source_count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < limit).then_some(count + 1));
        counted.map_err(|_| NoRoom)?;
        engine.budget.add(SOURCE_BYTES);
        let mut source = make(engine.catalog.acquire_metric(self.batch, path, &engine.trimming));
        source.last_seen_second = self.emission.clock.monotonic_second;
        let slot = shard.insert(source);
        if path.metric.kind != MetricKind::Gauge {
            shard.note_source(slot, &engine.catalog); // a gauge's source has nothing to remember
        }
        Ok(slot)
    }

    /// Tells the sources that had none where their ledger streams are.
    pub(crate) fn learn_links(&self, result: &mut BatchResult) {
        for (index, source) in &result.unlinked {
            let point = &result.points[*index as usize];
            if point.link == Link::NONE {
                continue; // it found no room: the next point tries again
            }
            let mut shard = self.engine.sources[source.shard(SHARDS)].lock();
            if let Some(slot) = shard.find(*source) {
                let source = shard.get_mut(slot);
                source.link = point.link;
                source.set_respelled(point.spelling == Spelling::Other);
            }
        }
    }

    /// The end of a point's window; its arrival where it has none (D11).
    pub(crate) fn time(&self, point: &IncomingPoint) -> u64 {
        if point.time_unix_nano == 0 { self.now.wall_unix_nano } else { point.time_unix_nano }
    }
}

/// What a member of a histogram keeps of its first total.
fn last_value(point: &IncomingPoint, words: &[u64]) -> Option<Distribution> {
    let IncomingValue::Distribution { begin, length } = point.value else { return None };
    let first = DistributionRef::parse(words.get(begin as usize..(begin + length) as usize)?).ok()?;
    let mut last = Distribution::empty_like(&first);
    last.merge(&first).ok()?;
    Some(last)
}

fn note_edits(trimmed: &Trimmed, number: u32, result: &mut BatchResult) {
    let verdict = &mut result.verdicts[number as usize];
    verdict.remove = trimmed.remove;
    verdict.replace = trimmed.replace;
    verdict.has_edits = u8::from(!trimmed.further.is_empty());
    let edits = trimmed.further.iter().map(|(attribute, replace)| AttributeEdit {
        owner: number,
        attribute: *attribute,
        replace: u32::from(*replace),
    });
    result.point_edits.extend(edits);
}

/// L3 for a point whose names are not those of its ledger stream: nothing leaves in the batch itself.
pub(crate) fn at_the_tick(emission: &Emission) -> Emission {
    Emission { interval: true, ..*emission }
}
