//! From a point's attributes to whose usage it is.
//!
//! Keys are compared without case and with dots and dashes taken as underscores, so that `team.id`,
//! `team_id` and what has been through Prometheus are one. Where several keys mean one dimension the
//! order in [`field`] decides; of one key the point's value comes before the scope's, and that before
//! the resource's.

use crate::attribute::{Attribute, ValueType};
use crate::label;
use crate::usage::Dimensions;
use crate::usage::provider::provider;
use crate::usage::rule::{Effect, MetricRule};

/// Longest text of a dimension or session in bytes.
const MAX_TEXT: usize = 256;
/// Longest key that is looked at; those below are shorter.
const MAX_KEY: usize = 40;

#[derive(Clone, Copy)]
enum Field {
    TokenType,
    Session,
    Model,
    Provider,
    User,
    Team,
    Project,
    RepositoryOwner,
    CostCenter,
    Organization,
    Speed,
    QuerySource,
}

const FIELDS: usize = Field::QuerySource as usize + 1;
/// Place of `vcs.repository.name` among the keys of a project.
const REPOSITORY_NAME: u8 = 3;

/// What a key means, and its place among the keys that mean the same: 0 is asked first.
fn field(key: &[u8]) -> Option<(Field, u8)> {
    Some(match key {
        b"type" | b"token_type" | b"gen_ai_token_type" | b"cursor_token_type" => (Field::TokenType, 0),
        b"session_id" => (Field::Session, 0),
        b"conversation_id" => (Field::Session, 1),
        b"gen_ai_conversation_id" => (Field::Session, 2),
        // What answered, before what was asked for.
        b"model" => (Field::Model, 0),
        b"gen_ai_response_model" => (Field::Model, 1),
        b"gen_ai_request_model" => (Field::Model, 2),
        b"cursor_model_name" => (Field::Model, 3),
        b"gen_ai_provider_name" => (Field::Provider, 0),
        b"gen_ai_system" => (Field::Provider, 1),
        b"provider" => (Field::Provider, 2),
        b"anthropic_provider" => (Field::Provider, 3),
        // People read addresses; an account stays one when its address changes; `user.id` is random
        // per installation of Claude Code.
        b"user_email" => (Field::User, 0),
        b"cursor_user_email" => (Field::User, 1),
        b"user_account_uuid" => (Field::User, 2),
        b"user_account_id" => (Field::User, 3),
        b"cursor_user_account_id" => (Field::User, 4),
        b"enduser_id" => (Field::User, 5),
        b"enduser_sub" => (Field::User, 6),
        b"user_id" => (Field::User, 7),
        b"cursor_user_id" => (Field::User, 8),
        b"installation_id" => (Field::User, 9),
        b"team" => (Field::Team, 0),
        b"team_name" => (Field::Team, 1),
        b"team_id" => (Field::Team, 2),
        b"squad" => (Field::Team, 3),
        b"department" => (Field::Team, 4),
        b"cursor_team_id" => (Field::Team, 5),
        b"project" => (Field::Project, 0),
        b"project_name" => (Field::Project, 1),
        b"project_id" => (Field::Project, 2),
        b"vcs_repository_name" => (Field::Project, REPOSITORY_NAME),
        b"vcs_repository_url_full" => (Field::Project, 4),
        b"git_repo" => (Field::Project, 5),
        b"git_repository" => (Field::Project, 6),
        b"repository" => (Field::Project, 7),
        b"repo" => (Field::Project, 8),
        b"repo_name" => (Field::Project, 9),
        b"vcs_owner_name" => (Field::RepositoryOwner, 0),
        b"cost_center" | b"cost_centre" | b"costcenter" | b"costcentre" => (Field::CostCenter, 0),
        b"organization_name" => (Field::Organization, 0),
        b"organization" => (Field::Organization, 1),
        b"organization_id" => (Field::Organization, 2),
        b"speed" => (Field::Speed, 0),
        b"query_source" => (Field::QuerySource, 0),
        _ => return None,
    })
}

/// Where an attribute stands; the first comes first.
#[derive(Clone, Copy)]
enum Level {
    Point,
    Scope,
    Resource,
}

/// Under which conditions tokens are billed, as far as a client says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Billing {
    /// Who serves the model, as the client states it.
    pub provider: String,
    /// Fast mode.
    pub fast: bool,
    /// An account or organisation is known, and the model is served by its maker, not by a cloud.
    pub is_signed_in: bool,
    /// The main conversation, not a subagent or an auxiliary request.
    pub is_main: bool,
}

/// Takes what is known of one source: its attributes and those above it, in any order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Describer {
    scope_name: String,
    is_signed_in: bool,
    is_priced_before: bool,
    has_agent_name: bool,
    /// By [`Field`].
    found: [Found; FIELDS],
}

#[derive(Clone, Debug)]
struct Found {
    /// Less is better: the key's place, then its level.
    rank: (u8, u8),
    text: String,
}

impl Default for Found {
    fn default() -> Self {
        Self { rank: (u8::MAX, 0), text: String::new() }
    }
}

impl Describer {
    /// One attribute of the point, as its record.
    pub fn point(&mut self, record: &[u8]) {
        self.take(record, Level::Point);
    }

    /// One attribute of the scope, as its record.
    pub fn scope(&mut self, record: &[u8]) {
        self.take(record, Level::Scope);
    }

    /// One attribute of the resource, as its record.
    pub fn resource(&mut self, record: &[u8]) {
        self.take(record, Level::Resource);
    }

    /// The name of the scope: tells the agent where the metric does not.
    pub fn scope_name(&mut self, name: &[u8]) {
        self.scope_name = bounded(name);
    }

    fn take(&mut self, record: &[u8], level: Level) {
        let Ok(attribute) = Attribute::parse(record) else { return };
        if !matches!(attribute.value_type, ValueType::String | ValueType::Int | ValueType::Bool) {
            return;
        }
        let mut folded = [0; MAX_KEY];
        let Some(key) = fold_key(attribute.key, &mut folded) else { return };
        if matches!(key, b"user_account_uuid" | b"organization_id") {
            self.is_signed_in |= !attribute.value.is_empty();
        }
        self.is_priced_before |= key == b"token_ledger_writer";
        self.has_agent_name |= key == b"agent_name";
        let Some((field, place)) = field(key) else { return };
        let found = &mut self.found[field as usize];
        let rank = (place, level as u8);
        if rank >= found.rank || attribute.value.is_empty() {
            return;
        }
        let mut text = Vec::new();
        label::write_text(attribute.value_type, attribute.value, &mut text);
        *found = Found { rank, text: bounded(&text) };
    }

    /// Whose usage the source's increases are, in which session, and what they count as; `None` if
    /// they are counted elsewhere.
    pub(crate) fn finish(mut self, rule: MetricRule) -> Option<(Dimensions, String, Effect)> {
        if rule.is_shared() && has_a_metric_of_its_own(&self.scope_name) {
            return None;
        }
        let effect = rule.effect(&self.text(Field::TokenType))?;
        let agent = if rule.is_shared() { agent_of_scope(&self.scope_name) } else { rule.agent() };
        let agent = agent.to_owned();
        let model = self.text(Field::Model);
        let stated = self.text(Field::Provider);
        let dimensions = Dimensions {
            agent,
            provider: provider(&stated, &model).into_owned(),
            model,
            user: self.text(Field::User),
            team: self.text(Field::Team),
            project: self.project(),
            cost_center: self.text(Field::CostCenter),
            organization: self.text(Field::Organization),
        };
        Some((dimensions, self.text(Field::Session), effect))
    }

    /// T6: a tier in front of this one has priced them.
    pub fn is_priced_before(&self) -> bool {
        self.is_priced_before
    }

    /// Under which conditions the source's tokens are billed.
    pub fn billing(&self) -> Billing {
        let text = |field: Field| self.found[field as usize].text.as_str();
        let stated = text(Field::Provider);
        let of_maker = matches!(provider(stated, "").as_ref(), "" | "anthropic");
        Billing {
            provider: stated.to_owned(),
            fast: text(Field::Speed) == "fast",
            is_signed_in: self.is_signed_in && of_maker,
            is_main: text(Field::QuerySource) == "main" && !self.has_agent_name,
        }
    }

    fn text(&mut self, field: Field) -> String {
        std::mem::take(&mut self.found[field as usize].text)
    }

    /// A repository's name with its owner: `owner/name`.
    fn project(&mut self) -> String {
        let is_repository = self.found[Field::Project as usize].rank.0 == REPOSITORY_NAME;
        let (name, owner) = (self.text(Field::Project), self.text(Field::RepositoryOwner));
        if is_repository && !owner.is_empty() { bounded(format!("{owner}/{name}").as_bytes()) } else { name }
    }
}

/// The agent that sends `gen_ai.client.token.usage` under this scope; the scope's own name where it is
/// none of the known.
fn agent_of_scope(scope: &str) -> &str {
    match scope {
        "github.copilot" => "github-copilot",
        "com.anthropic.claude_code" => "claude-code",
        _ => scope,
    }
}

/// Gemini CLI and its fork count the same calls by a metric of their own, with more types.
fn has_a_metric_of_its_own(scope: &str) -> bool {
    ["gemini-cli", "gemini_cli", "qwen-code", "qwen_code"].iter().any(|agent| scope.starts_with(agent))
}

/// In lower case, dots and dashes as underscores; `None` if too long to be one of ours.
fn fold_key<'a>(key: &[u8], out: &'a mut [u8; MAX_KEY]) -> Option<&'a [u8]> {
    let folded = out.get_mut(..key.len())?;
    for (folded, byte) in folded.iter_mut().zip(key) {
        *folded = if matches!(byte, b'.' | b'-') { b'_' } else { byte.to_ascii_lowercase() };
    }
    Some(folded)
}

/// At most [`MAX_TEXT`] bytes of valid UTF-8 without control characters.
fn bounded(text: &[u8]) -> String {
    // A character more than is kept, so that cutting here does not break the last one.
    let text = String::from_utf8_lossy(&text[..text.len().min(MAX_TEXT + 4)]);
    let mut out = String::new();
    for character in text.chars() {
        let character = if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
        if out.len() + character.len_utf8() > MAX_TEXT {
            break;
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::push;
    use crate::batch::MetricKind;

    fn record(key: &str, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(push(&mut out, key.as_bytes(), ValueType::String, text.as_bytes()));
        out
    }

    fn claude() -> MetricRule {
        MetricRule::of(b"claude_code.token.usage", MetricKind::Sum, true).unwrap()
    }

    fn describe(point: &[(&str, &str)], resource: &[(&str, &str)]) -> (Dimensions, String) {
        let mut describer = Describer::default();
        for (key, text) in resource {
            describer.resource(&record(key, text));
        }
        for (key, text) in point {
            describer.point(&record(key, text));
        }
        let (dimensions, session, _) = describer.finish(claude()).unwrap();
        (dimensions, session)
    }

    /// Scenario: a point as a signed-in Claude Code sends it, under a service name of the user's choice.
    /// Guarantee: every dimension is found, the agent by the metric.
    #[test]
    fn a_point_of_claude_code_is_described() {
        let point = [
            ("session.id", "s1"),
            ("user.id", "64 digits"),
            ("user.account_uuid", "a-u"),
            ("user.email", "a@example.invalid"),
            ("organization.id", "o1"),
            ("model", "claude-opus-5"),
            ("type", "cacheRead"),
            ("vcs.owner.name", "acme"),
            ("vcs.repository.name", "shop"),
        ];
        let resource = [("service.name", "anything"), ("team.id", "t1"), ("cost_center", "CC-7")];
        let (dimensions, session) = describe(&point, &resource);
        let texts = ["claude-code", "claude-opus-5", "anthropic", "a@example.invalid", "t1", "acme/shop"];
        assert_eq!(dimensions.texts()[..6], texts);
        assert_eq!(dimensions.texts()[6..], ["CC-7", "o1"]);
        assert_eq!(session, "s1");
    }

    /// Scenario: several keys for one dimension, in both orders and on both levels. Guarantee: the key's
    /// place decides first, then the level; empty texts are absent.
    #[test]
    fn the_first_key_of_a_dimension_wins() {
        let team = |point: &[(&str, &str)], resource: &[(&str, &str)]| describe(point, resource).0.team;
        assert_eq!(team(&[("department", "d"), ("team", "t")], &[]), "t");
        assert_eq!(team(&[("team", "t"), ("department", "d")], &[]), "t");
        assert_eq!(team(&[("department", "d")], &[("squad", "s")]), "s");
        assert_eq!(team(&[("TEAM_ID", "point")], &[("team.id", "resource")]), "point");
        assert_eq!(team(&[("team", "")], &[("department", "d")]), "d");
        let user = |point: &[(&str, &str)]| describe(point, &[]).0.user;
        assert_eq!(user(&[("user.id", "i"), ("user.account_uuid", "u")]), "u");
        assert_eq!(user(&[("user.id", "i")]), "i");
        assert_eq!(user(&[]), "");
        assert_eq!(describe(&[("git.repo", "r")], &[]).0.project, "r");
        let mut describer = Describer::default();
        describer.resource(&record("team", "resource"));
        describer.scope(&record("team", "scope"));
        assert_eq!(describer.finish(claude()).unwrap().0.team, "scope");
    }

    /// Scenario: hostile texts and records. Guarantee: valid UTF-8 of at most 256 bytes without control
    /// characters, never a panic.
    #[test]
    fn texts_are_bounded() {
        let long = "ü".repeat(200_000);
        let team = describe(&[("team", &long)], &[]).0.team;
        assert_eq!((team.len(), team.chars().count()), (256, 128));
        assert_eq!(describe(&[("team", "a\u{0}b\nc")], &[]).0.team, "a\u{fffd}b\u{fffd}c");
        let mut describer = Describer::default();
        describer.point(&[1, 2, 3]);
        let mut broken = Vec::new();
        assert!(push(&mut broken, b"team", ValueType::String, b"\xff\xfe"));
        describer.point(&broken);
        assert_eq!(describer.finish(claude()).unwrap().0.team, "\u{fffd}\u{fffd}");
    }

    /// Scenario: `gen_ai.client.token.usage` of several agents. Guarantee: the scope names the agent;
    /// that of Gemini CLI, whose own metric counts the same calls, counts nothing.
    #[test]
    fn the_conventions_metric_takes_its_agent_from_the_scope() {
        let rule = MetricRule::of(b"gen_ai.client.token.usage", MetricKind::ExplicitHistogram, true).unwrap();
        let agent = |scope: &str| {
            let mut describer = Describer::default();
            describer.scope_name(scope.as_bytes());
            describer.point(&record("gen_ai.token.type", "input"));
            describer.finish(rule).map(|(dimensions, _, _)| dimensions.agent)
        };
        assert_eq!(agent("github.copilot").as_deref(), Some("github-copilot"));
        assert_eq!(agent("copilot-chat").as_deref(), Some("copilot-chat"));
        assert_eq!(agent("gemini-cli"), None);
        assert_eq!(agent("").as_deref(), Some(""));
    }
}
