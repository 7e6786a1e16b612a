//! Who is heard: clients by agent and user, for what is missing of them.

use hashbrown::HashTable;

/// Clients that are remembered at most.
const MAX_CLIENTS: usize = 100_000;
/// A client that was not heard for so long is silent, in minutes: a day.
const SILENT_MINUTES: u32 = 24 * 60;
/// A client that was not heard for so long is forgotten, in minutes: seven days.
const FORGOTTEN_MINUTES: u32 = 7 * SILENT_MINUTES;

/// The clients of one engine since its start.
#[derive(Debug, Default)]
pub(super) struct Clients {
    known: HashTable<Client>,
    /// Agents by number; few.
    agents: Vec<String>,
    /// Minute in which they were last counted.
    counted_minute: u32,
}

#[derive(Debug)]
struct Client {
    /// A digest of agent and user.
    name: u64,
    agent: u16,
    /// Some of its points say what was paid.
    reports_cost: bool,
    heard_minute: u32,
}

/// Clients of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub agent: String,
    pub active: u64,
    pub silent: u64,
}

impl Clients {
    /// The client is heard; returns whether it is known to report costs.
    pub fn heard(&mut self, name: u64, agent: &str, with_cost: bool, minute: u32) -> bool {
        if let Some(client) = self.known.find_mut(name, |client| client.name == name) {
            client.heard_minute = minute;
            client.reports_cost |= with_cost;
            return client.reports_cost;
        }
        if self.known.len() < MAX_CLIENTS {
            let number = self.agents.iter().position(|known| known == agent).unwrap_or_else(|| {
                self.agents.push(agent.to_owned());
                self.agents.len() - 1
            });
            let agent = u16::try_from(number).unwrap_or(u16::MAX);
            let client = Client { name, agent, reports_cost: with_cost, heard_minute: minute };
            self.known.insert_unique(name, client, |client| client.name);
        }
        with_cost
    }

    /// How many are active and silent, by agent; at most once per minute.
    pub fn count(&mut self, minute: u32) -> Vec<Count> {
        if self.counted_minute == minute || self.known.is_empty() {
            return Vec::new();
        }
        self.counted_minute = minute;
        self.known.retain(|client| minute.saturating_sub(client.heard_minute) < FORGOTTEN_MINUTES);
        let none = |agent: &String| Count { agent: agent.clone(), active: 0, silent: 0 };
        let mut counts: Vec<Count> = self.agents.iter().map(none).collect();
        for client in &self.known {
            if let Some(count) = counts.get_mut(usize::from(client.agent)) {
                let is_silent = minute.saturating_sub(client.heard_minute) >= SILENT_MINUTES;
                *(if is_silent { &mut count.silent } else { &mut count.active }) += 1;
            }
        }
        counts
    }

    pub fn bytes(&self) -> usize {
        self.known.allocation_size()
    }
}
