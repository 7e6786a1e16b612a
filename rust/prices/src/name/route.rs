//! The front of a name: through whom, from where, by whom.

use crate::seller;

/// Where a request is processed, as far as it matters for its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Geography {
    /// The name does not tell.
    #[default]
    Unstated,
    /// Anywhere: the list price.
    Global,
    /// In one region or a group of them.
    Regional,
    /// In GovCloud.
    GovCloud,
}

/// A name without its route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Route<'a> {
    /// Empty if the name does not tell.
    pub seller: &'static str,
    /// Empty if the name does not tell.
    pub maker: &'static str,
    pub geography: Geography,
    pub rest: &'a str,
}

/// Prefixes that name a seller.
const SELLERS: [(&str, &str); 11] = [
    ("bedrock/", "bedrock"),
    ("bedrock_converse/", "bedrock"),
    ("amazon-bedrock/", "bedrock"),
    ("vertex_ai/", "vertex"),
    ("google-vertex/", "vertex"),
    ("azure_ai/", "azure"),
    ("azure/", "azure"),
    ("openrouter/", "openrouter"),
    ("gemini/", "google"),
    ("databricks/", "databricks"),
    ("databricks-", "databricks"),
];
/// Prefixes that name nothing.
const SILENT: [&str; 4] = ["~", "converse/", "invoke/", "models/"];
/// Makers before a slash, as routers write them, and before a point, as Bedrock does.
const MAKERS: [(&str, &str); 18] = [
    ("anthropic", "anthropic"),
    ("openai", "openai"),
    ("google", "google"),
    ("amazon", "amazon"),
    ("meta-llama", "meta"),
    ("meta", "meta"),
    ("mistralai", "mistral"),
    ("mistral", "mistral"),
    ("cohere", "cohere"),
    ("deepseek", "deepseek"),
    ("qwen", "qwen"),
    ("x-ai", "xai"),
    ("xai", "xai"),
    ("moonshotai", "moonshotai"),
    ("moonshot", "moonshotai"),
    ("z-ai", "zai"),
    ("zai", "zai"),
    ("minimax", "minimax"),
];
const REGION_FLAGS: [(&str, Geography); 7] = [
    ("us-gov.", Geography::GovCloud),
    ("us.", Geography::Regional),
    ("eu.", Geography::Regional),
    ("apac.", Geography::Regional),
    ("au.", Geography::Regional),
    ("jp.", Geography::Regional),
    ("global.", Geography::Global),
];

/// Takes the route off; nothing for ARNs that do not contain a model's name.
pub fn strip(name: &str) -> Option<Route<'_>> {
    let mut route = Route { rest: name, ..Route::default() };
    loop {
        if route.rest.starts_with("arn:") {
            route.arn()?;
        } else if !route.prefix() {
            break;
        }
    }
    route.bedrock_id();
    Some(route)
}

impl<'a> Route<'a> {
    /// Takes one prefix off, if there is one. Each makes the rest shorter, so this ends.
    fn prefix(&mut self) -> bool {
        if let Some(rest) = SILENT.iter().find_map(|prefix| self.rest.strip_prefix(prefix)) {
            self.rest = rest;
        } else if let Some((rest, seller)) = first(&SELLERS, self.rest) {
            self.sold_by(seller);
            self.rest = rest;
            self.region_segment();
        } else if let Some((rest, maker)) = self.rest.split_once('/').and_then(|(word, rest)| {
            MAKERS.iter().find(|(name, _)| *name == word).map(|(_, maker)| (rest, *maker))
        }) {
            self.maker = maker;
            self.rest = rest;
        } else {
            return self.resource_path();
        }
        true
    }

    /// The seller nearest to the client counts.
    fn sold_by(&mut self, seller: &'static str) {
        if self.seller.is_empty() {
            self.seller = seller;
        }
    }

    /// `us-east-1/…`, `us/…`, `global/…` after a cloud's name.
    fn region_segment(&mut self) {
        if !seller::CLOUDS.contains(&self.seller) {
            return;
        }
        if let Some((segment, rest)) = self.rest.split_once('/')
            && let Some(geography) = of_region(segment)
        {
            self.geography = geography;
            self.rest = rest;
        }
    }

    /// Vertex: `projects/p/locations/us-east5/publishers/anthropic/models/…`, also from `publishers/` on.
    fn resource_path(&mut self) -> bool {
        if let Some(path) = self.rest.strip_prefix("projects/") {
            let Some((_, located)) = path.split_once("/locations/") else { return false };
            let Some((location, rest)) = located.split_once('/') else { return false };
            self.geography = of_region(location).unwrap_or_default();
            self.rest = rest;
        } else if let Some(path) = self.rest.strip_prefix("publishers/") {
            let Some((publisher, rest)) = path.split_once("/models/") else { return false };
            self.maker = MAKERS.iter().find(|(name, _)| *name == publisher).map_or("", |(_, maker)| maker);
            self.rest = rest;
        } else {
            return false;
        }
        self.sold_by("vertex");
        true
    }

    /// `arn:aws:bedrock:<region>:<account>:inference-profile/…` and `…:foundation-model/…` end in a model's name;
    /// application inference profiles and provisioned, imported and custom models do not.
    fn arn(&mut self) -> Option<()> {
        let mut parts = self.rest.splitn(6, ':').skip(1);
        let (partition, service, region) = (parts.next()?, parts.next()?, parts.next()?);
        let (kind, rest) = parts.nth(1)?.split_once('/')?;
        if service != "bedrock" || rest.contains('/') {
            return None;
        }
        match kind {
            // The model in the region that the ARN names.
            "foundation-model" => self.geography = of_region(region).unwrap_or(Geography::Regional),
            "inference-profile" => {}
            _ => return None,
        }
        if partition == "aws-us-gov" {
            self.geography = Geography::GovCloud;
        }
        self.sold_by("bedrock");
        self.rest = rest;
        Some(())
    }

    /// `us.anthropic.claude-…`, `openai.gpt-…`: a maker with a point, perhaps after a region.
    fn bedrock_id(&mut self) {
        let flag = first(&REGION_FLAGS, self.rest);
        let name = flag.map_or(self.rest, |(rest, _)| rest);
        let Some((word, rest)) = name.split_once('.') else { return };
        let Some((_, maker)) = MAKERS.iter().find(|(name, _)| *name == word) else { return };
        if let Some((_, geography)) = flag
            && self.geography != Geography::GovCloud
        {
            self.geography = geography;
        }
        self.sold_by("bedrock");
        self.maker = maker;
        self.rest = rest;
    }
}

/// A region of a cloud, or a group of regions; nothing for other words.
fn of_region(text: &str) -> Option<Geography> {
    match text {
        "global" | "global-standard" => Some(Geography::Global),
        "us" | "eu" | "apac" | "au" | "jp" => Some(Geography::Regional),
        _ if text.starts_with("us-gov-") => Some(Geography::GovCloud),
        _ => {
            let letters = text.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let is_region = letters.len() < text.len()
                && letters.contains('-')
                && letters.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            is_region.then_some(Geography::Regional)
        }
    }
}

/// The first pair whose prefix `text` has: what follows, and what the prefix means.
fn first<'a, T: Copy>(pairs: &[(&str, T)], text: &'a str) -> Option<(&'a str, T)> {
    pairs.iter().find_map(|(prefix, meaning)| text.strip_prefix(prefix).map(|rest| (rest, *meaning)))
}
