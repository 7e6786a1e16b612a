//! Blobs that changed, were cut short or got lost; bytes that nobody wrote.

use std::sync::Arc;

use proptest::prelude::*;
use tokenledger::Config;
use tokenledger::batch::MetricKind;
use tokenledger::ledger::check_blob;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::memory::{Content, Memory};
use crate::restarts::{drop_sessions, pulled};
use crate::station::Station;
use crate::world::batch::Sample;
use crate::world::{SECOND, histogram};

fn config() -> Config {
    Config { first_value_delay_nano: 0, ..drop_sessions(pulled()) }
}

/// Each stream has values of its own: multiples of a prime that is not another's.
const STREAMS: [(&str, i64); 4] = [("a", 1_009), ("b", 10_007), ("c", 100_003), ("d", 1_000_003)];

fn request(second: u64, (model, value): (&str, i64)) -> Vec<Sample> {
    let attributes = [("model", model), ("session", "x")];
    let sum = Sample::delta("tokens", &attributes, second - 1, second, value);
    let total = Sample::total("total", &attributes, 3, second, value * second as i64);
    let explicit = Sample {
        kind: MetricKind::ExplicitHistogram,
        value: histogram::explicit(&[1.0, 5.0], &[1, 2, value as u64], 0.5),
        ..Sample::delta("explicit", &attributes, second - 1, second, 0)
    };
    let exponential = Sample {
        kind: MetricKind::ExponentialHistogram,
        value: histogram::exponential(3, 1, 5, &[1, value as u64], 0.0),
        ..Sample::delta("exponential", &attributes, second - 1, second, 0)
    };
    vec![sum, total, explicit, exponential]
}

/// A ledger with rows and snapshots of all kinds.
fn ledger() -> Content {
    let mut station = Station::new(Config { max_stale_nano: 120 * SECOND, ..config() });
    for round in 0..4 {
        for stream in STREAMS {
            station.ticks(3);
            let request = request(station.second(), stream);
            station.insist(&request);
        }
        if round == 1 {
            station.maintain().unwrap();
            station.pass(300 * SECOND).ticks(3); // streams go, members become tombstones
        }
    }
    station.ticks(2).memory.content()
}

/// Starts an engine on `content` and lets it work; every value that shows is one of its own stream.
fn try_on(content: Content) -> Station {
    let mut station = Station::with(config(), Memory::of(content));
    station.pass(10_000 * SECOND).restart().ticks(2);
    for stream in STREAMS {
        let request = request(station.second(), stream);
        station.insist(&request);
    }
    station.ticks(3);
    for outputs in station.reader.series.values() {
        let model = format!("{:?}", outputs[0].attributes);
        let (_, prime) = STREAMS.iter().find(|(name, _)| model.contains(&format!("\"{name}\""))).unwrap();
        for output in outputs.iter().filter(|output| output.metric == "tokens" || output.metric == "total") {
            assert_eq!(output.value.int() % prime, 0, "a value of another stream: {output:?}");
        }
    }
    station.reader.assert_orderly();
    station.stop();
    station
}

/// Scenario: each blob in turn has a bit flipped (at many places), is cut short, or is gone. Guarantee: the engine
/// opens and works, counts the damage, and no stream gets a value that belongs to another.
#[test]
fn each_blob_may_be_damaged() {
    let sound = ledger();
    assert!(sound.journal.len() > 5 && sound.snapshots.len() > 100);
    let undamaged = try_on(sound.clone());
    assert_eq!(undamaged.opening.damaged, 0);
    let count = sound.clone().blobs().count();
    let plain = 140; // blobs without records are all alike
    for number in 0..count {
        let length = sound.clone().blobs().nth(number).unwrap().len();
        let mut damages: Vec<Option<Vec<u8>>> = vec![None];
        let original = sound.clone().blobs().nth(number).unwrap().to_vec();
        let places = if length < plain { 1 } else { 3 };
        for place in 0..places {
            let mut flipped = original.clone();
            let bit = (number * 7_919 + place * 104_729) % (length * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
            damages.push(Some(flipped));
            damages.push(Some(original[..length * place / places].to_vec()));
        }
        for damage in damages {
            let mut content = sound.clone();
            let dropped = damage.is_none();
            match damage {
                Some(bytes) => *content.blobs().nth(number).unwrap() = bytes.into(),
                None => {
                    let snapshots = content.snapshots.len();
                    if number < snapshots {
                        let key = *content.snapshots.keys().nth(number).unwrap();
                        content.snapshots.remove(&key);
                    } else {
                        let key = *content.journal.keys().nth(number - snapshots).unwrap();
                        content.journal.remove(&key);
                    }
                }
            }
            let opened = Station::with(config(), Memory::of(content.clone()));
            assert_eq!(opened.opening.damaged, u64::from(!dropped), "blob {number}");
            assert_eq!(opened.memory.state().aside.len(), usize::from(!dropped));
            if length >= plain || number % 16 == 0 {
                try_on(content);
            }
        }
    }
}

/// Scenario: a row that describes streams is damaged; sound rows with their values follow, and new streams.
/// Guarantee: the others are as they were; those of the damaged row begin anew when they come again.
#[test]
fn a_damaged_row_costs_its_own_streams_only() {
    let mut station = Station::new(config());
    for stream in STREAMS {
        station.ticks(3);
        let request = request(station.second(), stream);
        station.insist(&request);
        station.ticks(3);
        let request = self::request(station.second(), stream);
        station.insist(&request);
    }
    let mut content = station.memory.content();
    // Each request is a row; every second one is a stream's first.
    let row = *content.journal.iter().filter(|(_, blob)| blob.len() > 600).nth(2).unwrap().0;
    let mut bytes = content.journal[&row].to_vec();
    bytes[80] ^= 4;
    content.journal.insert(row, bytes.into());
    let memory = Memory::of(content);
    let mut station = Station::with(config(), memory);
    assert_eq!(station.opening.damaged, 1);
    station.pass(100 * SECOND).restart().ticks(2);
    let total = STREAMS.iter().map(|(_, value)| 2 * value).sum::<i64>();
    let lost = total - station.sum("tokens");
    assert_eq!(lost, 2 * STREAMS[1].1, "of {total}");
    let request = request(station.second(), STREAMS[1]);
    station.insist(&request);
    station.ticks(2);
    assert_eq!(station.sum("tokens"), total - STREAMS[1].1);
}

/// Puts a right checksum on a blob, whatever is in it.
fn sealed(mut blob: Vec<u8>) -> Vec<u8> {
    if blob.len() >= 40 {
        blob[..8].copy_from_slice(b"TLB1\x01\0\0\0");
        let length = blob.len() as u64 - 40;
        blob[8..16].copy_from_slice(&length.to_le_bytes());
        let checksum = xxh3_64_with_seed(&blob[40..], xxh3_64(&blob[..32]));
        blob[32..40].copy_from_slice(&checksum.to_le_bytes());
    }
    blob
}

/// Scenario: the format as it is written. Guarantee: the test's own checksum is that of the engine.
#[test]
fn sealed_blobs_are_sound() {
    for blob in ledger().blobs() {
        assert_eq!(check_blob(blob), Ok(()));
        assert_eq!(sealed(blob.to_vec()), blob.to_vec());
    }
}

/// A change of one blob.
#[derive(Clone, Debug)]
enum Mutation {
    Byte(prop::sample::Index, u8),
    Word(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    /// A run of another blob's bytes is put in.
    Splice(prop::sample::Index, prop::sample::Index, usize),
    Random(Vec<u8>),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        3 => (index(), any::<u32>()).prop_map(|(at, word)| Mutation::Word(at, word)),
        1 => index().prop_map(Mutation::Cut),
        2 => (index(), index(), 1..200_usize).prop_map(|(at, from, length)| Mutation::Splice(at, from, length)),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(Mutation::Random),
    ]
}

fn mutate(blob: &mut Vec<u8>, other: &[u8], mutation: &Mutation) {
    if blob.len() <= 40 || other.len() <= 40 {
        return;
    }
    let at = |index: &prop::sample::Index, blob: &[u8]| 40 + index.index(blob.len() - 40);
    match mutation {
        Mutation::Byte(index, byte) => {
            let at = at(index, blob);
            blob[at] = *byte;
        }
        Mutation::Word(index, word) => {
            let at = at(index, blob).min(blob.len() - 4);
            blob[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        Mutation::Cut(index) => blob.truncate(at(index, blob)),
        Mutation::Splice(index, from, length) => {
            let (at, from) = (at(index, blob), at(from, other));
            let run = &other[from..(from + length).min(other.len())];
            blob.splice(at..at, run.iter().copied());
        }
        Mutation::Random(bytes) => {
            blob.truncate(40);
            blob.extend_from_slice(bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Scenario: random changes of sound blobs, with right checksums. Guarantee: the engine opens, works, goes
    /// through another start, and does not take much more memory than the blobs have bytes.
    #[test]
    fn whatever_is_stored_does_no_harm(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), mutation()), 1..12,
        ),
    ) {
        let mut content = SEED.with(Content::clone);
        for (which, other, change) in &changes {
            let blobs: Vec<Arc<[u8]>> = content.blobs().map(|blob| Arc::clone(blob)).collect();
            let long: Vec<usize> = (0..blobs.len()).filter(|number| blobs[*number].len() > 120).collect();
            let number = long[which.index(long.len())];
            let mut blob = blobs[number].to_vec();
            mutate(&mut blob, &blobs[other.index(blobs.len())], change);
            *content.blobs().nth(number).unwrap() = sealed(blob).into();
        }
        let bytes = content.bytes() as u64;
        let mut station = Station::with(config(), Memory::of(content));
        let held = station.engine().stats();
        prop_assert!(held.state_bytes + held.text_bytes < (4 << 20) + 64 * bytes, "{held:?} of {bytes}");
        station.pass(10_000 * SECOND);
        for stream in STREAMS {
            let request = request(station.second(), stream);
            station.take_in(&request).unwrap();
        }
        let mut again = station.pass(SECOND).memory.content();
        station.lost_tick();
        station.maintain().unwrap();
        let changed = Config { rules: Vec::new(), ..config() };
        station.restart_with(changed).lost_tick();
        station.pass(100_000 * SECOND).lost_tick();
        again.snapshots.clear();
        let _ = Station::with(config(), Memory::of(again));
    }

    /// Scenario: random bytes as row or snapshot. Guarantee: damage, never a panic.
    #[test]
    fn random_bytes_are_damage(bytes in prop::collection::vec(any::<u8>(), 0..400), row in any::<bool>()) {
        let mut content = Content { head: SEED.with(|seed| seed.head.clone()), ..Content::default() };
        if row {
            content.journal.insert(7, bytes.into());
        } else {
            content.snapshots.insert(7, bytes.into());
        }
        prop_assert_eq!(Station::with(config(), Memory::of(content)).opening.damaged, 1);
    }
}

thread_local! {
    static SEED: Content = ledger();
}
