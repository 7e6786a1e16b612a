//! Model names as clients write them, brought to the names that a table lists.
//!
//! What is taken off is what is known to leave the price alone: routes, regions, dates, `-latest`, `[1m]`. The rest
//! is compared exactly: `claude-opus-5-5` is not `claude-opus-5`, and a table that lists only one of them has no
//! price for the other. Longer spellings are tried first, so that a dated name that is listed with a price of its
//! own (`gpt-4o-2024-05-13`) has that one.

mod route;
mod suffix;

pub use route::Geography;
use suffix::Suffix;

/// Longest name that is looked at, in bytes. The longest real ones, ARNs, have about 150.
pub const MAX_BYTES: usize = 512;

/// What the spelling of a model's name tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// The shortest spelling: what an entry in a table would be called. Empty: a name that cannot be resolved,
    /// because it is empty, too long, or an opaque ARN.
    pub model: String,
    /// Who sells: `bedrock`, `vertex`, `azure`, `openrouter`, … ; empty if the name does not tell.
    pub seller: String,
    /// Who makes it: `anthropic`, `openai`, … ; empty if the name does not tell.
    pub maker: String,
    /// Where it is processed.
    pub geography: Geography,
    /// Whether the name asks for fast mode: `…-fast`.
    pub fast: bool,
    /// The spellings to look for, the longest first.
    pub(crate) spellings: Vec<Spelling>,
}

/// One spelling to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spelling {
    pub text: String,
    /// Whether `-fast` was taken off.
    pub fast: bool,
}

impl Name {
    /// Reads a name. Any text has an answer.
    pub fn of(model: &str) -> Self {
        let Some(whole) = folded(model) else { return Self::default() };
        let Some(route) = route::strip(&whole) else {
            let seller =
                if whole.contains("arn:aws") && whole.contains(":bedrock:") { "bedrock" } else { "" };
            return Self { seller: seller.to_owned(), ..Self::default() };
        };
        let mut name = Self {
            seller: route.seller.to_owned(),
            maker: route.maker.to_owned(),
            geography: route.geography,
            ..Self::default()
        };
        if name.maker.is_empty() {
            name.maker = crate::seller::maker_of_family(route.rest).to_owned();
        }
        if name.seller.is_empty() && route.rest.starts_with("claude") && route.rest.contains('@') {
            name.seller = "vertex".to_owned();
        }
        name.spell(route.rest);
        name
    }

    /// Takes one suffix after the other off, and notes each spelling on the way.
    fn spell(&mut self, rest: &str) {
        let mut text = canonical(rest);
        while !text.is_empty() {
            self.spellings.push(Spelling { text: text.clone(), fast: self.fast });
            let Some((suffix, shorter)) = suffix::last(&text) else { break };
            if suffix == Suffix::Fast && self.fast {
                break;
            }
            self.fast |= suffix == Suffix::Fast;
            text = canonical(shorter);
        }
        self.model = self.spellings.last().map(|spelling| spelling.text.clone()).unwrap_or_default();
    }
}

/// Without blanks around it and in small letters; nothing for what is empty or longer than [`MAX_BYTES`].
pub fn folded(model: &str) -> Option<String> {
    let model = model.trim();
    (!model.is_empty() && model.len() <= MAX_BYTES).then(|| model.to_ascii_lowercase())
}

/// The one order and punctuation that names of Claude models are compared in: `claude-4.5-sonnet` and
/// `claude-sonnet-4.5` are `claude-sonnet-4-5`. Other names stay: in `gpt-5.4` the point belongs there.
pub fn canonical(name: &str) -> String {
    if !name.starts_with("claude") {
        return name.to_owned();
    }
    let dashed = points_between_digits_to_dashes(name);
    family_first(&dashed).unwrap_or(dashed)
}

fn points_between_digits_to_dashes(name: &str) -> String {
    let bytes = name.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    name.char_indices()
        .map(|(at, letter)| {
            let between = letter == '.' && at > 0 && is_digit(at - 1) && is_digit(at + 1);
            if between { '-' } else { letter }
        })
        .collect()
}

/// `claude-4-5-sonnet…` as `claude-sonnet-4-5…`; nothing where the family comes first already.
fn family_first(name: &str) -> Option<String> {
    const FAMILIES: [&str; 5] = ["opus", "sonnet", "haiku", "fable", "mythos"];
    let rest = name.strip_prefix("claude-")?;
    let is_version =
        |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut version_ends = 0;
    for part in rest.split('-').take_while(|part| is_version(part)) {
        version_ends += part.len() + 1;
    }
    let (version, rest) = (rest.get(..version_ends.checked_sub(1)?)?, rest.get(version_ends..)?);
    let family = FAMILIES.iter().find(|family| {
        rest.strip_prefix(**family)
            .is_some_and(|after| !after.starts_with(|letter: char| letter.is_alphanumeric()))
    })?;
    Some(format!("claude-{family}-{version}{}", &rest[family.len()..]))
}

#[cfg(test)]
mod tests;
