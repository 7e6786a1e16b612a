//! Who sells a model and who makes it: from what the client says, else from how it spells the name.
//!
//! A seller may be the maker (`anthropic`), a cloud (`bedrock`, `vertex`, `azure`) or a router.

/// Clouds that sell what others make, at regional prices of their own.
pub const CLOUDS: [&str; 3] = ["bedrock", "vertex", "azure"];
/// What other than clouds sells what others make.
const ROUTERS: [&str; 4] = ["openrouter", "vercel", "litellm", "databricks"];

/// The seller that a client states: values of `gen_ai.provider.name`, of `gen_ai.system` before it, and of the sources
/// of prices, in the one spelling of [`crate::Found::provider`] and [`crate::Row::provider`]. What is unknown stays, in
/// small letters.
pub fn of_statement(stated: &str) -> String {
    let lower = stated.trim().to_ascii_lowercase();
    let known = match lower.as_str() {
        "aws.bedrock" | "aws_bedrock" | "bedrock" | "bedrock_converse" | "amazon-bedrock" => "bedrock",
        "gcp.vertex_ai" | "vertex_ai" | "vertex" | "google-vertex" => "vertex",
        "gcp.gemini" | "gcp.gen_ai" | "gemini" | "google" => "google",
        "azure.ai.openai" | "azure.ai.inference" | "az.ai.openai" | "az.ai.inference" | "azure"
        | "azure_ai" => "azure",
        "mistral_ai" | "mistralai" => "mistral",
        "x_ai" | "x-ai" => "xai",
        "meta-llama" => "meta",
        "moonshot" => "moonshotai",
        "z-ai" => "zai",
        _ => return lower,
    };
    known.to_owned()
}

/// Whether `seller` never makes models itself, so that its name tells nothing about the maker.
pub fn is_reseller(seller: &str) -> bool {
    CLOUDS.contains(&seller) || ROUTERS.contains(&seller)
}

/// Whether a seller asks other prices than the maker: clouds and routers do for open weights, which they run
/// themselves (Bedrock, Azure and OpenRouter differ from DeepSeek, Z.ai and Moonshot by up to four times).
pub fn has_prices_of_its_own(seller: &str, maker: &str) -> bool {
    const NOT_OPEN: [&str; 3] = ["anthropic", "openai", "google"];
    is_reseller(seller) && !NOT_OPEN.contains(&maker)
}

/// The name of a seller that is known without any table.
pub fn known(seller: &str) -> Option<&'static str> {
    const MAKERS: [&str; 3] = ["anthropic", "openai", "google"];
    CLOUDS.into_iter().chain(ROUTERS).chain(MAKERS).find(|known| *known == seller)
}

/// The maker that the first letters of a bare name tell. Only where a family belongs to one maker.
pub fn maker_of_family(name: &str) -> &'static str {
    const FAMILIES: [(&str, &str); 20] = [
        ("claude", "anthropic"),
        ("opus", "anthropic"),
        ("sonnet", "anthropic"),
        ("haiku", "anthropic"),
        ("fable", "anthropic"),
        ("mythos", "anthropic"),
        ("gpt-oss", ""), // open weights: everybody sells them, the maker does not
        ("gpt", "openai"),
        ("chatgpt", "openai"),
        ("codex", "openai"),
        ("gemini", "google"),
        ("grok", "xai"),
        ("deepseek", "deepseek"),
        ("mistral", "mistral"),
        ("codestral", "mistral"),
        ("devstral", "mistral"),
        ("magistral", "mistral"),
        ("kimi", "moonshotai"),
        ("glm", "zai"),
        ("command", "cohere"),
    ];
    if is_o_series(name) {
        return "openai";
    }
    FAMILIES.iter().find(|(family, _)| name.starts_with(family)).map_or("", |(_, maker)| maker)
}

/// `o3`, `o4-mini`.
fn is_o_series(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('o') else { return false };
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.len() + 1 < name.len() && (rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: one seller in the spellings of several conventions. Guarantee: one word; what is unknown stays.
    #[test]
    fn statements_are_brought_together() {
        for (stated, seller) in [
            ("aws.bedrock", "bedrock"),
            ("AWS.Bedrock", "bedrock"),
            ("gcp.vertex_ai", "vertex"),
            ("gcp.gemini", "google"),
            ("azure.ai.openai", "azure"),
            (" Anthropic ", "anthropic"),
            ("Our-Gateway", "our-gateway"),
            ("", ""),
        ] {
            assert_eq!(of_statement(stated), seller, "{stated}");
        }
    }

    /// Scenario: names of families. Guarantee: their maker; nothing where several sell, or where it is no family.
    #[test]
    fn families_tell_their_makers() {
        for (name, maker) in [
            ("claude-opus-4-8", "anthropic"),
            ("sonnet", "anthropic"),
            ("gpt-5.6-sol", "openai"),
            ("o3", "openai"),
            ("o4-mini", "openai"),
            ("olmo-2", ""),
            ("o", ""),
            ("oo3", ""),
            ("gpt-oss-120b", ""),
            ("gemini-3-pro", "google"),
            ("llama-3.3-70b", ""),
            ("", ""),
        ] {
            assert_eq!(maker_of_family(name), maker, "{name}");
        }
    }
}
