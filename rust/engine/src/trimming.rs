//! Which attributes a rule removes or replaces (T1, T2), and how equal gauges merge (T4).

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use wildmatch::WildMatch;

use crate::attribute::Attribute;
use crate::config::{Config, GaugeMerge, IdentityMode, ResourceRule, Rule};
use crate::identity::Identity;

/// Rules of one engine at most: a metric's matching rules are a set of bits.
pub(crate) const MAX_RULES: usize = 64;

/// Patterns see so much of a metric's name: a longer one is no name but an attack on whoever matches it.
const MATCHED_BYTES: usize = 1024;

/// The rules of one engine.
#[derive(Debug)]
pub(crate) struct Trimming {
    rules: Vec<CompiledRule>,
    resource: Option<KeyFilter>,
    identity: IdentityMode,
}

/// What happens to the points of one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The rules that match the metric's name, one bit each.
    rules: u64,
    /// Whether source streams and ledger streams differ (design §4, two levels).
    pub two_level: bool,
}

/// What becomes of one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    /// T1.
    Remove,
    /// T2: there is no room among the attribute's values.
    Replace,
}

#[derive(Debug)]
struct CompiledRule {
    metrics: Vec<WildMatch>,
    filter: KeyFilter,
    max_values: HashMap<Box<[u8]>, ValueLimit>,
    gauge: GaugeMerge,
}

#[derive(Debug)]
struct KeyFilter {
    drop: HashSet<Box<[u8]>>,
    keep: Option<HashSet<Box<[u8]>>>,
}

/// The first values of an attribute, which are kept for good (T2).
#[derive(Debug)]
struct ValueLimit {
    /// Names it in a ledger, whatever rules come before it.
    id: u64,
    limit: usize,
    kept: Mutex<KeptValues>,
}

#[derive(Debug, Default)]
struct KeptValues {
    /// Identities of the attribute records.
    all: HashSet<u64>,
    /// Those that no ledger has been told of.
    fresh: Vec<u64>,
}

impl Trimming {
    pub fn new(config: &Config) -> Self {
        Self {
            rules: config.rules.iter().map(CompiledRule::new).collect(),
            resource: KeyFilter::of_resource(&config.resource_rule),
            identity: config.identity,
        }
    }

    /// What happens to the points of the metric `name`.
    pub fn plan(&self, name: &[u8]) -> Plan {
        let mut rules = 0;
        if !self.rules.is_empty() {
            let name = String::from_utf8_lossy(&name[..name.len().min(MATCHED_BYTES)]);
            for (number, rule) in self.rules.iter().enumerate() {
                let matches = rule.metrics.iter().any(|pattern| pattern.matches(&name));
                rules |= u64::from(matches) << number;
            }
        }
        let two_level = rules != 0
            || self.resource.is_some()
            || self.identity == IdentityMode::Prometheus
            // Many sources add to one stream of these.
            || crate::computed::is_computed(name);
        Plan { rules, two_level }
    }

    /// T1, T2: what becomes of one attribute of a point; `record` is the attribute record's identity.
    pub fn fate(&self, plan: Plan, attribute: &Attribute<'_>, record: Identity) -> Fate {
        // Removal first: what goes takes no place among the first values.
        if self.matching(plan).any(|rule| rule.filter.removes(attribute.key)) {
            return Fate::Remove;
        }
        let limits = self.matching(plan).filter_map(|rule| rule.max_values.get(attribute.key));
        // Each limit sees the value, whatever another one says of it.
        let refused = limits.filter(|limit| !limit.admits(record)).count();
        if refused > 0 { Fate::Replace } else { Fate::Keep }
    }

    /// T1: whether a rule removes the attribute `key` from points of the metric `name`.
    pub fn removes(&self, name: &[u8], key: &[u8]) -> bool {
        self.matching(self.plan(name)).any(|rule| rule.filter.removes(key))
    }

    /// T1: whether an attribute is removed from every resource, by its record. One that cannot be read stays.
    pub fn removes_from_resource(&self, record: &[u8]) -> bool {
        let removes = |filter: &KeyFilter| {
            Attribute::parse(record).is_ok_and(|attribute| filter.removes(attribute.key))
        };
        self.resource.as_ref().is_some_and(removes)
    }

    /// Whether resources lose attributes at all.
    pub fn has_resource_rule(&self) -> bool {
        self.resource.is_some()
    }

    /// T4: whether rules may make gauges with that plan equal.
    pub fn merges_gauges(&self, plan: Plan) -> bool {
        plan.rules != 0 || self.resource.is_some()
    }

    /// T4: the first matching rule that says anything else than `last` decides.
    pub fn gauge(&self, plan: Plan) -> GaugeMerge {
        self.matching(plan)
            .map(|rule| rule.gauge)
            .find(|merge| *merge != GaugeMerge::Last)
            .unwrap_or_default()
    }

    /// Hands out the values that got their place since the last call (T2), with their limit.
    pub fn take_admitted(&self, mut each: impl FnMut(u64, u64)) {
        for limit in self.limits() {
            limit.kept.lock().fresh.drain(..).for_each(|value| each(limit.id, value));
        }
    }

    /// All values that have a place, with their limit.
    pub fn each_admitted(&self, mut each: impl FnMut(u64, u64)) {
        for limit in self.limits() {
            limit.kept.lock().all.iter().for_each(|value| each(limit.id, *value));
        }
    }

    /// Gives a value its place again, if the limit is still there and as large.
    pub fn admit(&self, id: u64, value: u64) {
        for limit in self.limits().filter(|limit| limit.id == id) {
            let mut kept = limit.kept.lock();
            if kept.all.len() < limit.limit {
                kept.all.insert(value);
            }
        }
    }

    fn limits(&self) -> impl Iterator<Item = &ValueLimit> {
        self.rules.iter().flat_map(|rule| rule.max_values.values())
    }

    fn matching(&self, plan: Plan) -> impl Iterator<Item = &CompiledRule> {
        self.rules.iter().enumerate().filter(move |(number, _)| plan.rules >> number & 1 == 1).map(|(_, r)| r)
    }
}

impl CompiledRule {
    fn new(rule: &Rule) -> Self {
        let limit = |(key, limit): (&String, &u32)| {
            (boxed(key), ValueLimit::new(limit_id(&rule.metrics, key), *limit as usize))
        };
        Self {
            metrics: rule.metrics.iter().map(|pattern| WildMatch::new(pattern)).collect(),
            filter: KeyFilter::new(&rule.drop, rule.keep.as_deref()),
            max_values: rule.max_values.iter().map(limit).collect(),
            gauge: rule.gauge,
        }
    }
}

impl KeyFilter {
    fn new(drop: &[String], keep: Option<&[String]>) -> Self {
        let keep = keep.map(|keys| keys.iter().map(|key| boxed(key)).collect());
        Self { drop: drop.iter().map(|key| boxed(key)).collect(), keep }
    }

    fn of_resource(rule: &ResourceRule) -> Option<Self> {
        let some = !rule.drop.is_empty() || rule.keep.is_some();
        some.then(|| Self::new(&rule.drop, rule.keep.as_deref()))
    }

    fn removes(&self, key: &[u8]) -> bool {
        self.drop.contains(key) || self.keep.as_ref().is_some_and(|keep| !keep.contains(key))
    }
}

impl ValueLimit {
    fn new(id: u64, limit: usize) -> Self {
        Self { id, limit, kept: Mutex::default() }
    }

    /// Whether the value is one of the first; it becomes one while there is room.
    fn admits(&self, record: Identity) -> bool {
        let mut kept = self.kept.lock();
        if kept.all.contains(&record.table_hash()) {
            return true;
        }
        let room = kept.all.len() < self.limit;
        if room {
            kept.all.insert(record.table_hash());
            kept.fresh.push(record.table_hash());
        }
        room
    }
}

/// A limit belongs to an attribute of certain metrics.
fn limit_id(metrics: &[String], key: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64([metrics.join("\n").as_bytes(), key.as_bytes()].join(&0).as_slice())
}

fn boxed(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::ValueType;

    fn attribute(key: &str) -> Attribute<'_> {
        Attribute { key: key.as_bytes(), value_type: ValueType::String, value: b"v" }
    }

    fn rule(metrics: &[&str], drop: &[&str], keep: Option<&[&str]>) -> Rule {
        let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        Rule { metrics: strings(metrics), drop: strings(drop), keep: keep.map(strings), ..Rule::default() }
    }

    fn trimming(rules: Vec<Rule>) -> Trimming {
        Trimming::new(&Config { rules, ..Config::default() })
    }

    /// Scenario: two rules match one metric, one drops, one keeps. Guarantee: both apply (T1); a metric
    /// that no rule matches has one level only.
    #[test]
    fn matching_rules_apply_together() {
        let trimming = trimming(vec![
            rule(&["claude_code.*"], &["session.id"], None),
            rule(&["*.usage"], &[], Some(&["model", "session.id"])),
        ]);
        let plan = trimming.plan(b"claude_code.token.usage");
        assert!(plan.two_level);
        let fate = |key| trimming.fate(plan, &attribute(key), Identity(1));
        assert_eq!(
            [fate("session.id"), fate("model"), fate("type")],
            [Fate::Remove, Fate::Keep, Fate::Remove]
        );
        assert!(!trimming.plan(b"other").two_level);
        assert!(trimming.removes(b"claude_code.x", b"session.id"));
        assert!(!trimming.removes(b"claude_code.x", b"type"));
    }

    /// Scenario: an attribute may have two values (T2). Guarantee: the first two stay, later ones never get in.
    #[test]
    fn the_first_values_stay() {
        let mut limited = rule(&["*"], &[], None);
        limited.max_values.insert("model".to_owned(), 2);
        let trimming = trimming(vec![limited]);
        let plan = trimming.plan(b"m");
        let fate = |record: u128| trimming.fate(plan, &attribute("model"), Identity(record << 64));
        assert_eq!([fate(1), fate(2), fate(3)], [Fate::Keep, Fate::Keep, Fate::Replace]);
        assert_eq!([fate(1), fate(3), fate(2)], [Fate::Keep, Fate::Replace, Fate::Keep]);
    }
}
