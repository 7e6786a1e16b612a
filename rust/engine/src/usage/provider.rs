//! Who serves a model: from what the client says, else from how it spells the model's name.

use std::borrow::Cow;

/// The provider: `stated` by `gen_ai.provider.name` or its like, in the spelling used here; without it
/// the one that the spelling of `model` betrays. Empty if neither tells.
pub(super) fn provider<'a>(stated: &'a str, model: &str) -> Cow<'a, str> {
    if stated.is_empty() { Cow::Borrowed(of_model(model)) } else { of_statement(stated) }
}

/// Values of `gen_ai.provider.name` and of `gen_ai.system` before it, brought together.
fn of_statement(stated: &str) -> Cow<'_, str> {
    let lower = stated.to_ascii_lowercase();
    Cow::Borrowed(match lower.as_str() {
        "anthropic" | "firstparty" => "anthropic",
        "openai" => "openai",
        "aws.bedrock" | "aws_bedrock" | "bedrock" => "bedrock",
        "gcp.vertex_ai" | "vertex_ai" | "vertex" => "vertex",
        "gcp.gemini" | "gcp.gen_ai" | "gemini" | "google" => "google",
        "azure.ai.openai" | "azure.ai.inference" | "az.ai.openai" | "az.ai.inference" | "azure" => "azure",
        _ => return Cow::Owned(lower),
    })
}

/// Spellings as clients write them; the order matters, because a place is a better answer than a maker.
fn of_model(model: &str) -> &'static str {
    let lower = model.to_ascii_lowercase();
    let name = lower.trim_start_matches('~');
    if name.starts_with("arn:aws") || name.starts_with("bedrock/") || is_bedrock(name) {
        return "bedrock";
    }
    if name.starts_with("vertex_ai/") || name.starts_with("publishers/") || is_claude_of_vertex(name) {
        return "vertex";
    }
    if name.starts_with("azure_ai/") || name.starts_with("azure/") {
        return "azure";
    }
    // `anthropic/claude-…`, as routers spell it: of the maker, because nothing names the router.
    let bare = name.rsplit('/').next().unwrap_or(name);
    let families = ["claude", "opus", "sonnet", "haiku", "fable", "mythos"];
    if families.iter().any(|family| bare.starts_with(family)) {
        return "anthropic";
    }
    if bare.starts_with("gpt")
        || bare.starts_with("chatgpt")
        || bare.starts_with("codex")
        || is_o_series(bare)
    {
        return "openai";
    }
    if bare.starts_with("gemini") { "google" } else { "" }
}

/// `us.anthropic.claude-…`, `openai.gpt-…`: maker and model with a dot, perhaps after a region.
fn is_bedrock(name: &str) -> bool {
    const REGIONS: [&str; 7] = ["us-gov.", "us.", "eu.", "apac.", "au.", "jp.", "global."];
    let name = REGIONS.iter().find_map(|region| name.strip_prefix(region)).unwrap_or(name);
    ["anthropic.", "openai.", "amazon.", "meta.", "mistral.", "cohere.", "deepseek.", "qwen."]
        .iter()
        .any(|maker| name.starts_with(maker))
}

/// `claude-opus-4-5@20251101`.
fn is_claude_of_vertex(name: &str) -> bool {
    name.starts_with("claude") && name.contains('@')
}

/// `o3`, `o4-mini`.
fn is_o_series(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('o') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && (rest.len() == digits || rest.as_bytes()[digits] == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: model names as clients write them. Guarantee: the place that serves them, else the
    /// maker; nothing for names that tell nothing.
    #[test]
    fn spelling_tells_the_provider() {
        for (model, expected) in [
            ("claude-opus-4-7[1m]", "anthropic"),
            ("sonnet[1m]", "anthropic"),
            ("anthropic/claude-sonnet-4.5", "anthropic"),
            ("~anthropic/claude-opus-latest", "anthropic"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock"),
            ("anthropic.claude-opus-4-7", "bedrock"),
            ("openai.gpt-5.6-sol", "bedrock"),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/x", "bedrock"),
            ("claude-opus-4-5@20251101", "vertex"),
            ("publishers/anthropic/models/claude-opus-4-5", "vertex"),
            ("azure/us/gpt-5.6-sol", "azure"),
            ("gpt-5.4-2026-03-05", "openai"),
            ("o4-mini", "openai"),
            ("o3", "openai"),
            ("opus", "anthropic"),
            ("olmo-2", ""),
            ("gemini-3-pro", "google"),
            ("glm-5.3[1m]", ""),
            ("my-claude-deployment", ""),
            ("", ""),
        ] {
            assert_eq!(provider("", model), expected, "{model}");
        }
    }

    /// Scenario: the client names the provider. Guarantee: that counts, in one spelling.
    #[test]
    fn a_statement_comes_first() {
        assert_eq!(provider("aws.bedrock", "claude-opus-4-7"), "bedrock");
        assert_eq!(provider("gcp.gen_ai", "gemini-3-pro"), "google");
        assert_eq!(provider("Mistral_AI", "x"), "mistral_ai");
    }
}
