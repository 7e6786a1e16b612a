//! `retransmissions: add`: requests that were written, and whose answers the end of the process took.

use tokenledger::ledger::StorageTrouble;
use tokenledger::{Config, Retransmissions};

use crate::memory::Faults;
use crate::restarts::pulled;
use crate::station::{Sent, Station};
use crate::world::SECOND;
use crate::world::batch::Sample;

fn adding() -> Station {
    let mut station = Station::new(Config { retransmissions: Retransmissions::Add, ..pulled() });
    station.ticks(20);
    station
}

fn delta(station: &Station, session: &str, value: i64) -> [Sample; 1] {
    let second = station.second();
    [Sample::delta("tokens", &[("session", session)], second - 1, second, value)]
}

/// How the processes after the first end.
#[derive(Clone, Copy, Debug)]
enum End {
    Crash,
    SnapshotAndCrash,
    Stop,
}

/// The sender repeats its request, then another client sends an equal one: the first adds nothing, the second
/// counts, `sum` being what is counted so far.
fn assert_known_once(station: &mut Station, request: &[Sample], sum: i64, case: &str) {
    station.pass(SECOND).insist(request);
    station.ticks(20);
    assert_eq!(station.sum("tokens"), sum, "{case}: known");
    station.insist(request);
    station.ticks(20);
    assert_eq!(station.sum("tokens"), sum + 7, "{case}: once");
    station.assert_orderly();
}

/// Scenario: a request is written, and the process dies before it answers. In the next one its retry cannot be
/// written, or does not come; several processes follow, minutes apart, in which others write and which end in
/// any way. Guarantee: the request is recognised when it comes again, once (D3b).
#[test]
fn what_was_not_answered_is_known_after_several_ends() {
    for end in [End::Crash, End::SnapshotAndCrash, End::Stop] {
        for (tried, ends) in [(false, 1), (false, 3), (true, 1), (true, 3)] {
            let mut station = adding();
            let request = delta(&station, "a", 7);
            station.take_in(&request).unwrap();
            station.restart();
            if tried {
                let next = station.memory.state().writes + 1;
                station.memory.fail(Faults::At(next), StorageTrouble::Other);
                assert_eq!(station.send(&request), Sent::Refused);
                station.restart();
            }
            for _ in 0..ends {
                station.pass(300 * SECOND).restart();
                let other = delta(&station, "b", 1);
                station.insist(&other);
                match end {
                    End::Crash => station.crash(),
                    End::SnapshotAndCrash => {
                        station.maintain().unwrap();
                        station.crash()
                    }
                    End::Stop => station.stop(),
                };
                station.start();
            }
            assert_known_once(&mut station, &request, 7 + ends, &format!("{end:?}, {tried}, {ends}"));
        }
    }
}

/// Scenario: a request is written; while the next consumer still has it a snapshot is made, which lets its row go, and
/// others write on, or not; the process dies. Guarantee: the request is recognised when it comes again, once (D3b).
#[test]
fn what_was_not_answered_before_a_snapshot_is_known() {
    for others in [0, 1] {
        let mut station = adding();
        let request = delta(&station, "a", 7);
        station.take_in(&request).unwrap();
        station.pass(SECOND).maintain().unwrap();
        assert!(station.memory.content().journal.is_empty(), "only the snapshot can tell");
        for _ in 0..others {
            let other = delta(&station, "b", 1);
            station.insist(&other);
        }
        station.restart();
        assert_known_once(&mut station, &request, 7 + others, &format!("{others}"));
    }
}

/// Scenario: as above, with the collector down for 40 minutes, after which others write and it crashes again.
/// Guarantee: the request is forgotten (D3a), and a further crash does not bring it back: an equal one counts.
#[test]
fn what_was_not_answered_is_forgotten_in_time() {
    let mut station = adding();
    let request = delta(&station, "a", 7);
    station.take_in(&request).unwrap();
    station.pass(40 * 60 * SECOND).restart();
    let other = delta(&station, "b", 1);
    station.insist(&other);
    station.pass(SECOND).restart().pass(SECOND).insist(&request);
    station.ticks(20);
    assert_eq!(station.sum("tokens"), 15);
}
