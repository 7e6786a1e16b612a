//! The normalised name under which quotes of several tables meet.

/// What is no model priced by tokens of text, or belongs to one customer.
const FOREIGN: [&str; 24] = [
    "audio",
    "image",
    "tts",
    "transcribe",
    "realtime",
    "embed",
    "live",
    "moderation",
    "omni",
    "robotics",
    "computer-use",
    "container",
    "gemma",
    "learnlm",
    "lyria",
    "voxtral",
    "pixtral",
    "ft:",
    ".ft-",
    "vision",
    "veo",
    "exp-",
    "ocr",
    "search-",
];

/// The key of a maker's model; `None` if the table of prices is not for it.
pub fn key(maker: &str, name: &str) -> Option<String> {
    let lower = name.trim().to_ascii_lowercase();
    // What follows a colon is an offer of a router (`:free`, `:extended`), at a price of its own.
    if FOREIGN.iter().any(|part| lower.contains(part)) || lower.contains(':') {
        return None;
    }
    let name = lower.rsplit('/').next().unwrap_or_default();
    let name = name.split('@').next().unwrap_or_default();
    let name = name.strip_suffix("-latest").unwrap_or(name);
    Some(match maker {
        "anthropic" => claude(undated(name)),
        "openai" => dotted(name),
        _ => name.to_string(),
    })
}

/// Without a date at its end, `-20250929` or `-2026-03-05`.
pub fn undated(name: &str) -> &str {
    let is_date = |tail: &str, form: &str| {
        tail.len() == form.len()
            && tail.bytes().zip(form.bytes()).all(|(byte, kind)| match kind {
                b'0' => byte.is_ascii_digit(),
                _ => byte == kind,
            })
    };
    for form in ["-00000000", "-0000-00-00"] {
        if let Some(start) = name.len().checked_sub(form.len()).filter(|start| name.is_char_boundary(*start))
            && is_date(&name[start..], form)
            && start > 0
        {
            return &name[..start];
        }
    }
    name
}

/// `claude-4-opus`, `claude-opus-4-0` and `claude-3.5-haiku` as the maker writes them today.
fn claude(name: &str) -> String {
    let name = name.replace('.', "-");
    let name = name.strip_suffix("-0").unwrap_or(&name);
    let parts: Vec<&str> = name.split('-').collect();
    match parts.as_slice() {
        ["claude", version, family] if *version >= "4" && is_number(version) => {
            format!("claude-{family}-{version}")
        }
        ["claude", major, minor, family] if *major >= "4" && is_number(major) && is_number(minor) => {
            format!("claude-{family}-{major}-{minor}")
        }
        ["claude", family @ ("haiku" | "sonnet" | "opus"), version @ ..] if version.first() == Some(&"3") => {
            format!("claude-{}-{family}", version.join("-"))
        }
        _ => name.to_string(),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `gpt-5-1-codex` as `gpt-5.1-codex`, and Azure's `gpt-35-turbo` as `gpt-3.5-turbo`.
fn dotted(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("gpt-35-") {
        return format!("gpt-3.5-{rest}");
    }
    let parts: Vec<&str> = name.split('-').collect();
    match parts.as_slice() {
        ["gpt", major, minor, rest @ ..]
            if major.len() == 1 && is_number(major) && minor.len() == 1 && is_number(minor) =>
        {
            let tail: String = rest.iter().map(|part| format!("-{part}")).collect();
            format!("gpt-{major}.{minor}{tail}")
        }
        _ => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: spellings of the sources.
    /// Guarantee: spellings of one model meet, and those of another do not.
    #[test]
    fn spellings_meet() {
        for (maker, name, expected) in [
            ("anthropic", "claude-4-opus-20250514", "claude-opus-4"),
            ("anthropic", "claude-opus-4-0", "claude-opus-4"),
            ("anthropic", "claude-3.5-haiku", "claude-3-5-haiku"),
            ("anthropic", "claude-haiku-3-5", "claude-3-5-haiku"),
            ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
            ("anthropic", "claude-4.5-haiku", "claude-haiku-4-5"),
            ("anthropic", "claude-opus-4-6-20260205", "claude-opus-4-6"),
            ("openai", "gpt-5-1-codex", "gpt-5.1-codex"),
            ("openai", "gpt-5-mini", "gpt-5-mini"),
            ("openai", "gpt-35-turbo", "gpt-3.5-turbo"),
            ("xai", "xai/grok-3-latest", "grok-3"),
        ] {
            assert_eq!(key(maker, name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(key("openai", "gpt-4o-audio-preview"), None);
        assert_eq!(undated("gpt-4o-2024-05-13"), "gpt-4o");
        assert_eq!(undated("mistral-large-2411"), "mistral-large-2411");
    }
}
