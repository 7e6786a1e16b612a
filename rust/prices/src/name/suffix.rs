//! What may follow family and version without changing the price. Anything else makes another model.

/// What was taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix {
    /// Fast mode, sold under a name of its own; for Claude only: `grok-4-fast` is another model.
    Fast,
    /// Something that does not matter.
    Neutral,
}

/// Words after a colon that choose a way to the same model. Not `free`, which has another price, and no other word:
/// after a colon stand also sizes (`llama3:70b`) and fine-tuned models (`ft:gpt-4o:…`).
const ROUTER_VARIANTS: [&str; 8] =
    ["thinking", "beta", "extended", "exacto", "floor", "nitro", "online", "latest"];

/// The last suffix of `name`, and the name without it.
pub fn last(name: &str) -> Option<(Suffix, &str)> {
    if let Some(rest) = name.strip_suffix("-fast")
        && name.starts_with("claude")
    {
        return Some((Suffix::Fast, rest));
    }
    let fixed = ["[1m]", "-latest", "-thinking"].iter().find_map(|suffix| name.strip_suffix(suffix));
    let rest = fixed
        .or_else(|| after(name, '@').filter(|(_, tail)| is_at_tail(tail)).map(|(rest, _)| rest))
        .or_else(|| bedrock_version(name))
        .or_else(|| after(name, ':').filter(|(_, tail)| ROUTER_VARIANTS.contains(tail)).map(|(rest, _)| rest))
        .or_else(|| date(name))?;
    Some((Suffix::Neutral, rest))
}

fn after(name: &str, separator: char) -> Option<(&str, &str)> {
    name.rsplit_once(separator)
}

/// Vertex: `@20251101`, `@default`, `@latest`.
fn is_at_tail(tail: &str) -> bool {
    tail == "default" || tail == "latest" || is_compact_date(tail)
}

/// Bedrock: `-v1:0`; `-v1` alone for Claude only, because `deepseek-v3` is a model.
fn bedrock_version(name: &str) -> Option<&str> {
    let is_digit = |tail: &str| tail.len() == 1 && tail.bytes().all(|byte| byte.is_ascii_digit());
    let (versioned, colon) = match after(name, ':') {
        Some((rest, tail)) if is_digit(tail) => (rest, true),
        _ => (name, false),
    };
    let (rest, version) = versioned.rsplit_once("-v")?;
    (is_digit(version) && (colon || name.starts_with("claude"))).then_some(rest)
}

/// `-20250929` or `-2026-03-05`.
fn date(name: &str) -> Option<&str> {
    if let Some((rest, tail)) = name.rsplit_once('-')
        && is_compact_date(tail)
    {
        return Some(rest);
    }
    let at = name.len().checked_sub("-2026-03-05".len())?;
    let (rest, tail) = (name.get(..at)?, name.get(at..)?);
    let bytes = tail.as_bytes();
    let dashed = [0, 5, 8].iter().all(|dash| bytes[*dash] == b'-');
    (dashed && is_compact_date(&tail.replace('-', ""))).then_some(rest)
}

/// A day of this century as eight digits; other numbers are no dates.
fn is_compact_date(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok());
    text.len() == 8
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.starts_with("20")
        && number(4..6).is_some_and(|month| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day| (1..=31).contains(&day))
}
