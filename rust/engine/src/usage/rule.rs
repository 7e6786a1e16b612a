//! Which metrics count tokens or cost, and what the types of their tokens mean.
//!
//! Names are those that clients send (Claude Code, Codex, Gemini CLI, Qwen Code, Cursor, opencode's
//! plugin, and `gen_ai.client.token.usage` of the GenAI conventions, which Copilot sends). Clients
//! report the same tokens by several metrics; only one of them is listed here. Metrics that are not
//! listed count nothing: a guess could count tokens twice.

use crate::batch::MetricKind;
use crate::number::Number;
use crate::usage::Measure;

/// Units of 10⁻¹² dollars in a dollar.
const PICO_PER_DOLLAR: i64 = 1_000_000_000_000;

/// How the points of one metric count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetricRule {
    metric: &'static Metric,
}

#[derive(Debug)]
struct Metric {
    /// With underscores for dots and dashes.
    name: &'static str,
    /// Of a sum that only grows, or the sum of a histogram.
    is_histogram: bool,
    /// Empty: the scope tells.
    agent: &'static str,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
enum Counts {
    /// Tokens, with types as this client means them.
    Tokens(Dialect),
    /// Units of 10⁻¹² dollars in one unit of the metric.
    Cost(i64),
}

/// What a client's token types mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Types exclude each other.
    Exclusive,
    /// `input` includes what is cached, `output` what was reasoned, `total` repeats all.
    Codex,
    /// `input` includes `cache`; `output` excludes `thought`; `tool` is more input.
    Gemini,
    /// Only `input` and `output`; whatever else there is, is part of them.
    GenAi,
}

const METRICS: [Metric; 11] = [
    tokens("claude_code_token_usage", false, "claude-code", Dialect::Exclusive),
    cost("claude_code_cost_usage", "claude-code", PICO_PER_DOLLAR),
    tokens("codex_turn_token_usage", true, "codex", Dialect::Codex),
    cost("codex_turn_cost_microusd", "codex", PICO_PER_DOLLAR / 1_000_000),
    tokens("gemini_cli_token_usage", false, "gemini-cli", Dialect::Gemini),
    tokens("qwen_code_token_usage", false, "qwen-code", Dialect::Gemini),
    tokens("cursor_token_usage", false, "cursor", Dialect::Exclusive),
    cost("cursor_cost_usage", "cursor", PICO_PER_DOLLAR),
    tokens("opencode_token_usage", false, "opencode", Dialect::Exclusive),
    cost("opencode_cost_usage", "opencode", PICO_PER_DOLLAR),
    tokens("gen_ai_client_token_usage", true, "", Dialect::GenAi),
];

const fn tokens(name: &'static str, is_histogram: bool, agent: &'static str, dialect: Dialect) -> Metric {
    Metric { name, is_histogram, agent, counts: Counts::Tokens(dialect) }
}

const fn cost(name: &'static str, agent: &'static str, pico: i64) -> Metric {
    Metric { name, is_histogram: false, agent, counts: Counts::Cost(pico) }
}

impl MetricRule {
    /// How the points of this metric count; `None` if they do not. Asked once per metric of a batch.
    ///
    /// A name may also be spelled as Prometheus does, with underscores, unit and `_total`. Of a
    /// histogram the increase of its sum is meant.
    pub fn of(name: &[u8], kind: MetricKind, monotonic: bool) -> Option<Self> {
        let is_histogram = match kind {
            MetricKind::Sum if monotonic => false,
            MetricKind::ExplicitHistogram | MetricKind::ExponentialHistogram => true,
            MetricKind::Sum | MetricKind::Gauge => return None,
        };
        let name = without_suffixes(name);
        let metric = METRICS.iter().find(|m| m.is_histogram == is_histogram && is_spelled(name, m.name))?;
        Some(Self { metric })
    }

    /// The agent that the name tells; empty if the scope must.
    pub(crate) fn agent(self) -> &'static str {
        self.metric.agent
    }

    /// Whether the metric is one that several agents send.
    pub(super) fn is_shared(self) -> bool {
        self.metric.agent.is_empty()
    }

    /// Whether the agent's counter of tokens has types that exclude each other.
    pub(crate) fn has_exclusive_tokens(self) -> bool {
        let is_exclusive = |metric: &&Metric| matches!(metric.counts, Counts::Tokens(Dialect::Exclusive));
        METRICS.iter().filter(is_exclusive).any(|metric| metric.agent == self.metric.agent)
    }

    /// Whether the metric counts dollars.
    pub(crate) fn is_cost(self) -> bool {
        matches!(self.metric.counts, Counts::Cost(_))
    }

    /// What a point with this token type counts as; `None` if other points count it already.
    pub(super) fn effect(self, token_type: &str) -> Option<Effect> {
        match self.metric.counts {
            Counts::Cost(pico) => {
                Some(Effect::plain(Measure::ReportedCost, self.has_exclusive_tokens(), pico))
            }
            Counts::Tokens(dialect) => dialect.effect(token_type),
        }
    }
}

/// What a source's increases count as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Effect {
    pub measure: Measure,
    /// Its client counts each token once, whatever types it has.
    pub is_exclusive: bool,
    /// What it counts was counted as input too, and is taken out there.
    pub is_part_of_input: bool,
    /// What one unit of the value is worth.
    factor: i64,
}

impl Effect {
    const fn plain(measure: Measure, is_exclusive: bool, factor: i64) -> Self {
        Self { measure, is_exclusive, is_part_of_input: false, factor }
    }

    /// The amount that `value`, an increase, is worth: rounded to whole units, at most `i64::MAX`.
    pub fn amount(self, value: Number) -> i64 {
        match value {
            Number::Int(value) => value.saturating_mul(self.factor),
            // `as` stops at the ends of i64, and makes a NaN 0.
            Number::Double(value) => (value * self.factor as f64).round() as i64,
        }
    }
}

impl Dialect {
    fn effect(self, token_type: &str) -> Option<Effect> {
        use Measure::{CacheCreationTokens, CacheReadTokens, InputTokens, OtherTokens, OutputTokens};
        let part_of_input =
            |measure| Some(Effect { measure, is_exclusive: false, is_part_of_input: true, factor: 1 });
        // `cacheRead`, `cache_read` and `cache-read` are one.
        let mut folded = token_type.replace(['_', '-', '.'], "");
        folded.make_ascii_lowercase();
        let measure = match (self, folded.as_str()) {
            (_, "input") => InputTokens,
            (_, "output") => OutputTokens,
            (Self::GenAi, "completion") => OutputTokens, // as `output` was called first
            (Self::Exclusive, "cacheread") => CacheReadTokens,
            (Self::Exclusive, "cachecreation" | "cachewrite") => CacheCreationTokens,
            (Self::Codex, "cachedinput") => return part_of_input(CacheReadTokens),
            (Self::Codex, "cachewriteinput") => return part_of_input(CacheCreationTokens),
            (Self::Gemini, "cache") => return part_of_input(CacheReadTokens),
            (Self::Gemini, "thought") => OutputTokens,
            (Self::Gemini, "tool") => InputTokens,
            // Codex and GenAI: parts of others, or their total.
            (Self::Codex | Self::GenAi, _) => return None,
            (Self::Exclusive | Self::Gemini, _) => OtherTokens,
        };
        Some(Effect::plain(measure, self == Self::Exclusive, 1))
    }
}

/// A name without what Prometheus appends.
fn without_suffixes(name: &[u8]) -> &[u8] {
    let name = name.strip_suffix(b"_total").unwrap_or(name);
    let without_unit = name.strip_suffix(b"_tokens").or_else(|| name.strip_suffix(b"_USD"));
    without_unit.unwrap_or(name)
}

/// Whether `name` is `folded`, with dots and dashes taken as underscores.
fn is_spelled(name: &[u8], folded: &str) -> bool {
    let fold = |byte: &u8| if matches!(byte, b'.' | b'-') { b'_' } else { *byte };
    name.len() == folded.len() && name.iter().map(fold).eq(folded.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> Option<MetricRule> {
        MetricRule::of(name.as_bytes(), MetricKind::Sum, true)
    }

    fn measure(rule: Option<MetricRule>, token_type: &str) -> Option<(Measure, bool)> {
        rule.unwrap().effect(token_type).map(|effect| (effect.measure, effect.is_part_of_input))
    }

    /// Scenario: metrics under OTLP's names and under those of Prometheus. Guarantee: both are known;
    /// others, gauges and sums that may fall are not.
    #[test]
    fn metrics_are_known_by_their_names() {
        for name in ["claude_code.token.usage", "claude_code_token_usage_tokens_total"] {
            assert_eq!(rule(name).unwrap().agent(), "claude-code");
        }
        for name in
            ["claude_code.cost.usage", "claude_code_cost_usage_USD_total", "claude_code_cost_usage_total"]
        {
            assert_eq!(measure(rule(name), ""), Some((Measure::ReportedCost, false)));
        }
        assert!(rule("claude_code.session.count").is_none());
        assert!(rule("gen_ai.client.token.usage").is_none(), "a histogram in the conventions");
        assert!(MetricRule::of(b"claude_code.token.usage", MetricKind::Gauge, false).is_none());
        assert!(MetricRule::of(b"claude_code.token.usage", MetricKind::Sum, false).is_none());
        let histogram = MetricKind::ExplicitHistogram;
        assert!(MetricRule::of(b"codex.turn.token_usage", histogram, true).is_some());
    }

    /// Scenario: token types of each client. Guarantee: every token counts once, whatever its client
    /// includes in what.
    #[test]
    fn token_types_mean_what_their_client_means() {
        use Measure::{CacheCreationTokens, CacheReadTokens, InputTokens, OtherTokens, OutputTokens};
        let claude = rule("claude_code.token.usage");
        assert_eq!(measure(claude, "cacheRead"), Some((CacheReadTokens, false)));
        assert_eq!(measure(claude, "cacheCreation"), Some((CacheCreationTokens, false)));
        assert_eq!(measure(claude, "anything new"), Some((OtherTokens, false)));
        let codex = MetricRule::of(b"codex.turn.token_usage", MetricKind::ExponentialHistogram, true);
        assert_eq!(measure(codex, "cached_input"), Some((CacheReadTokens, true)));
        assert_eq!(measure(codex, "cache_write_input"), Some((CacheCreationTokens, true)));
        assert_eq!(measure(codex, "total"), None);
        assert_eq!(measure(codex, "reasoning_output"), None);
        let gemini = rule("gemini_cli.token.usage");
        assert_eq!(measure(gemini, "thought"), Some((OutputTokens, false)));
        assert_eq!(measure(gemini, "tool"), Some((InputTokens, false)));
        assert_eq!(measure(gemini, "cache"), Some((CacheReadTokens, true)));
        let conventions = MetricRule::of(b"gen_ai.client.token.usage", MetricKind::ExplicitHistogram, true);
        assert_eq!(measure(conventions, "cached"), None);
        assert_eq!(measure(conventions, "output"), Some((OutputTokens, false)));
    }

    /// Scenario: costs in dollars and in millionths, small and absurd. Guarantee: exact for whole
    /// millionths of a dollar, never a wrap.
    #[test]
    fn costs_are_exact() {
        let dollars = rule("claude_code.cost.usage").unwrap().effect("").unwrap();
        for micros in [0_i64, 1, 3, 2765, 999_999, 1_234_567, 8_999_999_999_999] {
            let double = Number::Double(micros as f64 / 1e6);
            assert_eq!((dollars.amount(double) + 500_000).div_euclid(1_000_000), micros);
        }
        assert_eq!(dollars.amount(Number::Double(0.000_003)), 3_000_000);
        assert_eq!(dollars.amount(Number::Double(0.002_765_190_000_000_000_3)), 2_765_190_000);
        assert_eq!(dollars.amount(Number::Double(f64::MAX)), i64::MAX);
        assert_eq!(dollars.amount(Number::Int(i64::MAX)), i64::MAX);
        let micros = rule("codex.turn.cost_microusd").unwrap().effect("").unwrap();
        assert_eq!(micros.amount(Number::Int(1_250_001)), 1_250_001_000_000);
    }
}
