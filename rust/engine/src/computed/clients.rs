//! Who is heard: clients by agent, user and tenant, for what is missing of them.

use hashbrown::HashTable;

/// Clients that are remembered at most.
const MAX_CLIENTS: usize = 100_000;
/// Bytes of a client with its share of the table.
const CLIENT_BYTES: usize = 48;
/// Agents, by tenant, that are counted at most.
const MAX_GROUPS: usize = 4096;
/// Longest client metadata of a group that is counted, in bytes.
const MAX_METADATA: usize = 4096;
/// A client that was not heard for so long is silent, in minutes: a day.
const SILENT_MINUTES: u32 = 24 * 60;
/// A client that was not heard for so long is forgotten, in minutes: seven days.
const FORGOTTEN_MINUTES: u32 = 7 * SILENT_MINUTES;

/// The clients of one engine since its start.
#[derive(Debug)]
pub(super) struct Clients {
    limit: usize,
    known: HashTable<Client>,
    groups: Vec<Group>,
    /// Minute in which they were last counted.
    counted_minute: u32,
}

#[derive(Debug)]
struct Client {
    /// A digest of agent, user and client metadata.
    name: u64,
    /// Place among the groups.
    group: u16,
    /// Some of its points say what was paid.
    reports_cost: bool,
    heard_minute: u32,
}

/// The clients that are counted together: of one agent and one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub agent: String,
    /// Client metadata as attribute records.
    pub metadata: Box<[u8]>,
}

/// How many clients of a group are heard, and are not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub group: Group,
    pub active: u64,
    pub silent: u64,
}

impl Clients {
    /// For an engine with this budget in bytes, 0 for none: a hundredth of it.
    pub fn new(max_memory_bytes: u64) -> Self {
        let share = usize::try_from(max_memory_bytes / 128).unwrap_or(usize::MAX) / CLIENT_BYTES;
        let limit = if max_memory_bytes == 0 { MAX_CLIENTS } else { share.clamp(64, MAX_CLIENTS) };
        Self { limit, known: HashTable::new(), groups: Vec::new(), counted_minute: u32::MAX }
    }

    /// The client is heard; returns whether it is known to report costs.
    pub fn heard(&mut self, name: u64, with_cost: bool, minute: u32, group: impl FnOnce() -> Group) -> bool {
        if let Some(client) = self.known.find_mut(name, |client| client.name == name) {
            client.heard_minute = minute;
            client.reports_cost |= with_cost;
            return client.reports_cost;
        }
        if self.known.len() < self.limit
            && let Some(group) = self.group(group())
        {
            let client = Client { name, group, reports_cost: with_cost, heard_minute: minute };
            self.known.insert_unique(name, client, |client| client.name);
            return with_cost;
        }
        true // nobody whom there is no room to know is accused
    }

    fn group(&mut self, group: Group) -> Option<u16> {
        if let Some(place) = self.groups.iter().position(|known| *known == group) {
            return u16::try_from(place).ok();
        }
        if self.groups.len() >= MAX_GROUPS || group.metadata.len() > MAX_METADATA {
            return None;
        }
        self.groups.push(group);
        u16::try_from(self.groups.len() - 1).ok()
    }

    /// How many are active and silent, by group; at most once per minute.
    pub fn count(&mut self, minute: u32) -> Vec<Count> {
        if self.counted_minute == minute || self.known.is_empty() && self.groups.is_empty() {
            return Vec::new();
        }
        self.counted_minute = minute;
        self.known.retain(|client| minute.saturating_sub(client.heard_minute) < FORGOTTEN_MINUTES);
        let none = |group: &Group| Count { group: group.clone(), active: 0, silent: 0 };
        let mut counts: Vec<Count> = self.groups.iter().map(none).collect();
        for client in &self.known {
            if let Some(count) = counts.get_mut(usize::from(client.group)) {
                let is_silent = minute.saturating_sub(client.heard_minute) >= SILENT_MINUTES;
                *(if is_silent { &mut count.silent } else { &mut count.active }) += 1;
            }
        }
        self.forget_groups(&counts);
        counts
    }

    /// Groups without clients have been counted for the last time.
    fn forget_groups(&mut self, counts: &[Count]) {
        let is_empty = |count: &Count| count.active + count.silent == 0;
        if !counts.iter().any(is_empty) {
            return;
        }
        let mut places = Vec::with_capacity(counts.len());
        self.groups.clear();
        for count in counts {
            places.push(u16::try_from(self.groups.len()).unwrap_or(u16::MAX));
            if !is_empty(count) {
                self.groups.push(count.group.clone());
            }
        }
        for client in &mut self.known {
            client.group = places.get(usize::from(client.group)).copied().unwrap_or(u16::MAX);
        }
    }

    pub fn bytes(&self) -> usize {
        let groups: usize =
            self.groups.iter().map(|group| group.agent.len() + group.metadata.len() + 64).sum();
        self.known.allocation_size() + groups
    }
}
