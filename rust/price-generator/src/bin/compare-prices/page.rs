//! The page: one line for each usage, and for each difference its class.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokenledger_prices::Prices;

use crate::explain::{cost, dollars, explanation, is_same};
use crate::usages::Usage;

/// What a tool said, as compare/prices writes it.
#[derive(Debug, Deserialize)]
pub struct Results {
    /// Name and version.
    pub tool: String,
    /// Dollars by usage; `null` if it gave none.
    pub costs: BTreeMap<String, Option<f64>>,
}

/// The whole page, or which difference has no class.
pub fn page(prices: &Prices, usages: &[Usage], tools: &[Results]) -> Result<String, String> {
    let mut rows = String::new();
    let mut classes: BTreeMap<(String, usize), usize> = BTreeMap::new();
    let mut same = vec![0; tools.len()];
    for usage in usages {
        let ours = cost(prices, usage).ok_or(format!("{} has no price in the table", usage.id))?;
        let mut cells = vec![usage.id.clone(), tokens(usage), format!("{:.9}", dollars(ours))];
        for (number, tool) in tools.iter().enumerate() {
            let theirs =
                tool.costs.get(&usage.id).ok_or(format!("{} has no result of {}", usage.id, tool.tool))?;
            let class = match theirs {
                Some(theirs) if is_same(ours, *theirs) => {
                    same[number] += 1;
                    cells.push("same".to_string());
                    continue;
                }
                None => "no price".to_string(),
                Some(0.0) => "free".to_string(),
                Some(theirs) => explanation(prices, usage, *theirs).ok_or_else(|| {
                    let ours = dollars(ours);
                    format!("{}: {} has {theirs}, and the table {ours}: unexplained", usage.id, tool.tool)
                })?,
            };
            *classes.entry((class.clone(), number)).or_default() += 1;
            let figure = theirs.map_or("none".to_string(), |theirs| format!("{theirs:.9}"));
            cells.push(format!("{figure} ({class})"));
        }
        rows.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    Ok(text(tools, usages.len(), &same, &classes, &rows))
}

fn tokens(usage: &Usage) -> String {
    let mut parts = vec![format!("{} in", usage.input), format!("{} out", usage.output)];
    for (count, name) in
        [(usage.cache_read, "read"), (usage.cache_write_5m, "5m"), (usage.cache_write_1h, "1h")]
    {
        if count > 0 {
            parts.push(format!("{count} {name}"));
        }
    }
    if usage.day != "2026-11-20" {
        parts.push(usage.day.to_string());
    }
    parts.join(", ")
}

fn text(
    tools: &[Results],
    count: usize,
    same: &[usize],
    classes: &BTreeMap<(String, usize), usize>,
    rows: &str,
) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.tool.as_str()).collect();
    let mut text = format!(
        "# Costs of the same usage, compared\n\n\
         Written by `make prices-compare` from what {} said without a network, each with the prices in its own\n\
         package, and from the built-in table. {count} requests, most of them on 2026-11-20. A difference is put into a class by\n\
         changing the calculation here, one rule at a time, until it gives exactly the other figure.\n\n\
         Without a network, for example after a change of the table, the page is made from the committed results:\n\n\
         \x20   cargo run -p tokenledger-price-generator --bin compare-prices -- page\n\n",
        names.join(" and ")
    );
    text.push_str(&format!("| Class | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(tools.len())));
    let mut line = |name: &str, counts: Vec<usize>| {
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        text.push_str(&format!("| {name} | {} |\n", counts.join(" | ")));
    };
    line("same", same.to_vec());
    let mut named: Vec<&str> = classes.keys().map(|(class, _)| class.as_str()).collect();
    named.dedup();
    for class in named {
        let of = |number| classes.get(&(class.to_string(), number)).copied().unwrap_or(0);
        line(class, (0..tools.len()).map(of).collect());
    }
    text.push_str(MEANING);
    text.push_str(&format!("## Request by request\n\nDollars. `5m` and `1h` are cache writes.\n\n| Request | Tokens | Tokenledger | {} |\n|---|---|---|{}\n", names.join(" | "), "---|".repeat(tools.len())));
    text.push_str(rows);
    text
}

const MEANING: &str = "
## What the classes mean

* no price: the tool does not know the model and says so (LiteLLM by an error; ccusage by a mark beside a cost of 0).
* free: the tool does not know the model and computes a cost of 0 without saying so.
* long context ignored: above the threshold the tool keeps the ordinary price, as its table has no step for the model, or (ccusage) as no
  class of tokens is above it by itself.
* long context per class and only beyond the threshold: makers charge the whole request at the upper price once its whole input is above the
  threshold; the tool looks at each class of tokens by itself and charges only what lies beyond.
* one-hour writes at the five-minute price: a write for an hour costs twice the input, not 1.25 times.
* fast mode ignored, residency ignored: the tool knows no factor for the model, or none at all.
* the region's addition ignored: regional endpoints of Bedrock cost a tenth more from Claude 4.5 on. Names of
  Bedrock without a region are taken for regional ones here, and for global ones by both tools; `bedrock_bare_is_regional = false` in a price file
  changes that.
* the price of a day: the tool's table has no dates and holds the price of another day than that of the use.
  Opus 4.6 in fast mode cost six times the price before 2026-07-24.
* the price of a model, which would be one mistaken for another by its beginning: neither tool does this any more in these releases.

";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usages;

    fn said(cost: impl Fn(&Usage) -> Option<f64>) -> Results {
        let costs = usages::all().iter().map(|usage| (usage.id.clone(), cost(usage))).collect();
        Results { tool: "other 1.0".into(), costs }
    }

    /// Scenario: another tool agrees everywhere; one has a figure that no changed rule gives.
    /// Guarantee: the former gives a page without differences, the latter none at all.
    #[test]
    fn an_unexplained_difference_is_an_error() {
        let prices = Prices::built_in().unwrap();
        let agrees = said(|usage| cost(&prices, usage).map(dollars));
        let all = usages::all();
        let text = page(&prices, &all, &[agrees]).unwrap();
        assert!(text.contains(&format!("| same | {} |", all.len())), "{text}");
        let differs = said(|usage| cost(&prices, usage).map(|ours| dollars(ours) * 1.017));
        let reason = page(&prices, &all, &[differs]).unwrap_err();
        assert!(reason.contains("unexplained"), "{reason}");
    }

    /// Scenario: a tool that breaks one rule. Guarantee: its class names the rule.
    #[test]
    fn a_broken_rule_is_named() {
        let prices = Prices::built_in().unwrap();
        let class = |id: &str, theirs: f64| {
            let usage = usages::all().into_iter().find(|usage| usage.id == id).unwrap();
            explanation(&prices, &usage, theirs).unwrap()
        };
        assert_eq!(class("example 2", 0.114), "one-hour writes at the five-minute price");
        assert_eq!(class("example 1", 0.1675), "the price of claude-opus-5");
        assert_eq!(class("example 3", 0.003_35), "long context ignored");
        assert_eq!(class("example 7", 0.335), "residency ignored");
        assert_eq!(class("example 7", 0.167_5), "fast mode ignored; residency ignored");
        assert_eq!(class("example 8", 0.1005), "the region's addition ignored");
        assert_eq!(class("example 12 after", 0.20), "the price of 2026-10-01");
    }
}
