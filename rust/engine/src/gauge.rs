//! Gauges that a rule makes equal (T4): the sum or the greatest of their members' latest values.

use std::collections::HashMap;

use crate::config::GaugeMerge;

/// Members of one gauge at most; further ones are refused, so that one point costs a bounded scan.
const MAX_MEMBERS: usize = 4096;

/// A member that was silent for so long counts no longer; as Prometheus looks back (5 minutes).
const MEMBER_SECONDS: u32 = 300;

/// The latest values of the members of one ledger gauge.
#[derive(Debug, Default)]
pub(crate) struct GaugeMembers {
    members: HashMap<u64, Latest>,
}

#[derive(Clone, Copy, Debug)]
struct Latest {
    value: f64,
    time_unix_nano: u64,
    second: u32,
}

/// What became of a member's point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Taken {
    /// The gauge has this value now.
    Merged(f64),
    /// The point is not newer than the member's last one.
    Superseded,
    /// There is no room for another member.
    Refused,
}

impl GaugeMembers {
    /// Takes a point of the member `source` at the monotonic `second`; of a new one only if it `may_grow`.
    pub fn take(
        &mut self,
        source: u64,
        value: f64,
        time_unix_nano: u64,
        second: u32,
        merge: GaugeMerge,
        may_grow: bool,
    ) -> Taken {
        if self.members.len() >= MAX_MEMBERS {
            self.members.retain(|_, member| second.saturating_sub(member.second) <= MEMBER_SECONDS);
        }
        let full = self.members.len() >= MAX_MEMBERS || !may_grow;
        match self.members.get_mut(&source) {
            Some(member) if member.time_unix_nano >= time_unix_nano => return Taken::Superseded,
            Some(member) => *member = Latest { value, time_unix_nano, second },
            None if full => return Taken::Refused,
            None => drop(self.members.insert(source, Latest { value, time_unix_nano, second })),
        }
        Taken::Merged(self.merged(second, merge))
    }

    fn merged(&self, second: u32, merge: GaugeMerge) -> f64 {
        let values = self
            .members
            .values()
            .filter(|member| second.saturating_sub(member.second) <= MEMBER_SECONDS)
            .map(|member| member.value);
        match merge {
            GaugeMerge::Sum | GaugeMerge::Last => values.sum(),
            GaugeMerge::Max => values.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    pub fn bytes(&self) -> usize {
        self.members.capacity() * (size_of::<(u64, Latest)>() + 1) * 8 / 7
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: two members, one newer value, one late, one member silent for six minutes.
    /// Guarantee: sum and greatest are those of the latest values of whoever still speaks.
    #[test]
    fn the_latest_values_of_the_living_count() {
        for (merge, both, one) in [(GaugeMerge::Sum, 8.0, 3.0), (GaugeMerge::Max, 5.0, 3.0)] {
            let mut gauge = GaugeMembers::default();
            assert_eq!(gauge.take(1, 9.0, 10, 0, merge, true), Taken::Merged(9.0));
            assert_eq!(gauge.take(1, 5.0, 20, 0, merge, true), Taken::Merged(5.0));
            assert_eq!(gauge.take(1, 7.0, 15, 0, merge, true), Taken::Superseded);
            assert_eq!(gauge.take(2, 3.0, 20, 0, merge, true), Taken::Merged(both));
            assert_eq!(gauge.take(2, 3.0, 30, 360, merge, true), Taken::Merged(one));
        }
    }

    /// Scenario: more members than there is room for. Guarantee: refused, until others fall silent.
    #[test]
    fn members_are_bounded() {
        let mut gauge = GaugeMembers::default();
        for source in 0..MAX_MEMBERS as u64 {
            gauge.take(source, 1.0, 1, 0, GaugeMerge::Sum, true);
        }
        assert_eq!(gauge.take(u64::MAX, 1.0, 1, 0, GaugeMerge::Sum, true), Taken::Refused);
        assert_eq!(gauge.take(u64::MAX, 1.0, 1, 999, GaugeMerge::Sum, true), Taken::Merged(1.0));
    }
}
