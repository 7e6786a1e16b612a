//! The usages that are compared: the reference's examples, recorded calls, and a spread of models and token mixes.

use serde::Serialize;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    /// Unique.
    pub id: String,
    /// As a client writes it.
    pub model: String,
    /// The day, `YYYY-MM-DD`.
    pub day: &'static str,
    /// Tokens that exclude each other.
    pub input: u64,
    /// See `input`.
    pub output: u64,
    /// See `input`.
    pub cache_read: u64,
    /// See `input`.
    pub cache_write_5m: u64,
    /// See `input`.
    pub cache_write_1h: u64,
    /// `speed: fast`.
    pub fast: bool,
    /// `inference_geo: us`.
    pub residency_us: bool,
}

const TODAY: &str = "2026-11-20";

/// Tokens as input, output, cache read, five-minute write, one-hour write.
type Mix = (&'static str, [u64; 5]);

const MIXES: [Mix; 4] = [
    ("plain", [12_000, 900, 0, 0, 0]),
    ("cached", [1_000, 2_000, 60_000, 10_000, 0]),
    ("hour", [1_000, 2_000, 60_000, 0, 10_000]),
    ("long", [10_000, 4_000, 280_000, 20_000, 0]),
];

const CLAUDE: [&str; 18] = [
    "claude-3-5-haiku-20241022",
    "claude-3-haiku-20240307",
    "claude-3-opus-20240229",
    "claude-haiku-4-5-20251001",
    "claude-haiku-5-5",
    "claude-sonnet-4-20250514",
    "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-6",
    "claude-sonnet-5",
    "claude-sonnet-5-5",
    "claude-opus-4-1-20250805",
    "claude-opus-4-5-20251101",
    "claude-opus-4-6",
    "claude-opus-5",
    "claude-opus-5-5",
    "claude-fable-5",
    "claude-fable-5-1",
    "claude-fable-5-2",
];

/// Without cache writes of an hour, which they do not know.
const OTHERS: [&str; 13] = [
    "gpt-5",
    "gpt-5-mini",
    "gpt-5.3-codex",
    "gpt-5.4",
    "gpt-5.5",
    "gpt-5.6-sol",
    "gpt-5.6-luna",
    "gpt-6-sol",
    "gpt-6.1-sol",
    "gemini-2.5-pro",
    "gemini-3.1-pro-preview",
    "gemini-3.6-flash",
    "gemini-2.5-flash",
];

const BEDROCK: [&str; 6] = [
    "us.anthropic.claude-sonnet-4-6",
    "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "global.anthropic.claude-opus-4-8",
    "us.anthropic.claude-opus-5",
    "us.anthropic.claude-opus-5-5",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
];

const FAST: [&str; 6] = [
    "claude-opus-4-6",
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-opus-5-5",
    "claude-fable-5-2",
];

/// All of them; the same list at each call.
pub fn all() -> Vec<Usage> {
    let mut usages = examples();
    for model in CLAUDE {
        usages.extend(MIXES.iter().map(|mix| usage(model, mix)));
    }
    for model in OTHERS {
        usages.extend(MIXES.iter().filter(|(name, _)| *name != "hour").map(|(name, tokens)| {
            let [input, output, read, write, hour] = *tokens;
            // No writes: none of these clients reports them apart, but for those of gpt-5.6 and later.
            let writes = if model.starts_with("gpt-5.6") || model.starts_with("gpt-6") { write } else { 0 };
            usage(model, &(name, [input + write - writes, output, read, writes, hour]))
        }));
    }
    for model in BEDROCK {
        usages.extend(MIXES[..3].iter().map(|mix| usage(model, mix)));
    }
    for model in FAST {
        usages.push(Usage { id: format!("{model} fast"), fast: true, ..usage(model, &MIXES[1]) });
    }
    for model in ["claude-sonnet-4-6", "claude-opus-5", "claude-haiku-5-5"] {
        usages.push(Usage { id: format!("{model} us"), residency_us: true, ..usage(model, &MIXES[1]) });
    }
    usages
}

/// The examples of the pricing reference that are one request, and the calls of recorded sessions.
fn examples() -> Vec<Usage> {
    let case = |name: &str, model: &str, day, tokens| Usage {
        id: name.to_string(),
        day,
        ..usage(model, &("", tokens))
    };
    let mixed = [1_000, 2_000, 100_000, 10_000, 0];
    let both = Usage { fast: true, residency_us: true, ..case("example 7", "claude-opus-4-8", TODAY, mixed) };
    vec![
        case("example 1", "claude-opus-5-5", TODAY, mixed),
        case("example 2", "claude-opus-5-5", TODAY, [1_000, 2_000, 100_000, 0, 10_000]),
        case("example 3", "claude-haiku-5-5", TODAY, mixed),
        case("example 4", "claude-sonnet-4-5-20250929", TODAY, [150_000, 1_000, 60_000, 0, 0]),
        case("example 5", "gpt-5.4", TODAY, [50_000, 5_000, 250_000, 0, 0]),
        case("example 6", "gemini-2.5-pro", TODAY, [20_000, 2_000, 80_000, 0, 0]),
        both,
        case("example 8", "us.anthropic.claude-sonnet-4-6", TODAY, mixed),
        case("example 9, one call", "gpt-5.6-sol", "2026-08-20", [608, 0, 94_522, 7_024, 0]),
        case("example 11", "claude-sonnet-5", "2026-10-01", [1_000_000, 0, 0, 0, 0]),
        case("example 12 before", "claude-sonnet-5-5", "2026-10-06", [0, 0, 1_000_000, 0, 0]),
        case("example 12 after", "claude-sonnet-5-5", "2026-10-07", [0, 0, 1_000_000, 0, 0]),
        case("recorded Sonnet 4.5", "claude-sonnet-4-5-20250929", TODAY, [17, 87, 15_432, 4_000, 321]),
        case("recorded Opus 4.8", "claude-opus-4-8", TODAY, [17, 45, 15_432, 4_000, 321]),
        case("recorded Haiku 5.5", "claude-haiku-5-5", "2026-10-08", [2, 4, 9_179, 0, 13_356]),
    ]
}

fn usage(model: &str, (name, tokens): &Mix) -> Usage {
    let [input, output, cache_read, cache_write_5m, cache_write_1h] = *tokens;
    Usage {
        id: format!("{model} {name}"),
        model: model.to_string(),
        day: TODAY,
        input,
        output,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        fast: false,
        residency_us: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the list. Guarantee: names are unique, so that results can be matched to usages.
    #[test]
    fn names_are_unique() {
        let usages = all();
        let names: std::collections::BTreeSet<_> = usages.iter().map(|usage| &usage.id).collect();
        assert_eq!(names.len(), usages.len());
    }
}
