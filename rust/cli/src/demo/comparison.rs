//! Truth against what a Prometheus page shows.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::truth::Truth;
use crate::page::Sample;

/// Costs that differ by less are equal: floats of some hundred additions, in US dollars.
const COST_TOLERANCE: f64 = 1e-9;

/// One total.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Attribute `session.id`.
    pub session_id: String,
    /// Attribute `model`; empty for a session that the truth does not know.
    pub model: String,
    /// A token type, or `cost_usd`.
    pub kind: String,
    /// What the recording holds.
    #[serde(serialize_with = "whole_if_possible")]
    pub truth: f64,
    /// What the page shows; `null` if the series is missing.
    #[serde(serialize_with = "whole_or_null")]
    pub exposed: Option<f64>,
    /// Exposed less truth; a missing series counts as 0.
    #[serde(serialize_with = "whole_if_possible")]
    pub difference: f64,
}

/// The kind of a row that holds a cost instead of tokens.
pub const COST: &str = "cost_usd";

impl Row {
    fn new(session_id: &str, model: &str, kind: &str, truth: f64, exposed: Option<f64>) -> Self {
        let difference = exposed.unwrap_or(0.0) - truth;
        let difference = if kind == COST && difference.abs() < COST_TOLERANCE { 0.0 } else { difference };
        Self {
            session_id: session_id.into(),
            model: model.into(),
            kind: kind.into(),
            truth,
            exposed,
            difference,
        }
    }

    /// Whether the series is there with the true value: tokens exactly, cost to a billionth of a dollar.
    pub fn is_exact(&self) -> bool {
        self.exposed.is_some() && self.difference == 0.0
    }
}

/// A row for each total of the truth, and one for each total on the page that the truth does not know.
pub fn compare(truth: &Truth, page: &[Sample]) -> Vec<Row> {
    let mut exposed = totals(page);
    let mut rows = Vec::new();
    for session in &truth.sessions {
        let tokens = session.tokens.iter().map(|(kind, tokens)| (kind.as_str(), *tokens as f64));
        for (kind, truth) in tokens.chain([(COST, session.cost_usd)]) {
            let exposed = exposed.remove(&(session.session_id.clone(), kind.to_owned()));
            rows.push(Row::new(&session.session_id, &session.model, kind, truth, exposed));
        }
    }
    rows.extend(
        exposed.into_iter().map(|((session, kind), value)| Row::new(&session, "", &kind, 0.0, Some(value))),
    );
    rows
}

/// What the collector computed that a session costs, at list prices. It stands beside the truth and is no part of the
/// comparison: a client says what it reports, and how long its caches live only to those who read its logs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Attribute `session.id`.
    pub session_id: String,
    /// US dollars at list prices; an estimate, not a bill.
    pub computed_usd: f64,
}

/// The computed costs of the truth's sessions; none where the collector computes nothing.
pub fn estimates(truth: &Truth, page: &[Sample]) -> Vec<Estimate> {
    let estimate = |session_id: &String| {
        let costs = page.iter().filter(|sample| {
            sample.name.replace('.', "_").starts_with("token_ledger_cost_USD")
                && session_of(sample) == session_id
        });
        let mut costs = costs.map(|sample| sample.value).peekable();
        costs.peek()?;
        Some(Estimate { session_id: session_id.clone(), computed_usd: costs.sum() })
    };
    truth.sessions.iter().filter_map(|session| estimate(&session.session_id)).collect()
}

fn session_of(sample: &Sample) -> &str {
    sample.label("session_id").or(sample.label("session.id")).unwrap_or_default()
}

/// Tokens and cost by session and kind, summed over all other labels.
///
/// Exporters write the names with or without a unit and `_total`, or unchanged.
fn totals(page: &[Sample]) -> BTreeMap<(String, String), f64> {
    let mut totals = BTreeMap::new();
    for sample in page {
        let name = sample.name.replace('.', "_");
        let kind = if name.starts_with("claude_code_token_usage") {
            sample.label("type").unwrap_or_default()
        } else if name.starts_with("claude_code_cost_usage") {
            COST
        } else {
            continue;
        };
        *totals.entry((session_of(sample).to_owned(), kind.to_owned())).or_insert(0.0) += sample.value;
    }
    totals
}

/// Tokens as whole numbers: `170`, not `170.0`.
fn whole_if_possible<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    if value.fract() == 0.0 && value.abs() < EXACT {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

fn whole_or_null<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => whole_if_possible(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::parse;

    fn truth() -> Truth {
        let json = r#"{"sessions":[{"session_id":"a","model":"m","tokens":{"input":170,"output":660},"cost_usd":0.225966}]}"#;
        serde_json::from_str(json).unwrap()
    }

    fn rows(page: &str) -> Vec<(String, Option<f64>, f64)> {
        compare(&truth(), &parse(page).unwrap())
            .into_iter()
            .map(|row| (row.kind, row.exposed, row.difference))
            .collect()
    }

    const EXACT: &str = "claude_code_token_usage_tokens_total{session_id=\"a\",type=\"input\",query_source=\"main\"} 100\n\
                         claude_code_token_usage_tokens_total{session_id=\"a\",type=\"input\",query_source=\"sub\"} 70\n\
                         claude_code_token_usage_tokens_total{session_id=\"a\",type=\"output\"} 660\n\
                         claude_code_cost_usage_USD_total{session_id=\"a\"} 0.22596599999999997\n\
                         claude_code_session_count_total{session_id=\"a\"} 1\n";

    /// Scenario: a page that shows the truth, one total in two series. Guarantee: every row is exact.
    #[test]
    fn the_truth_is_recognised() {
        let rows = compare(&truth(), &parse(EXACT).unwrap());
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(Row::is_exact), "{rows:?}");
        let json = serde_json::to_string(&rows[0]).unwrap();
        assert_eq!(
            json,
            r#"{"session_id":"a","model":"m","kind":"input","truth":170,"exposed":170,"difference":0}"#
        );
    }

    /// Scenario: one token too few, a missing series, a cost off by a millionth, a foreign session.
    /// Guarantee: each is a row that is not exact.
    #[test]
    fn differences_are_found() {
        let few = EXACT.replace(" 70\n", " 69\n");
        assert_eq!(rows(&few)[0], ("input".into(), Some(169.0), -1.0));
        let missing = EXACT.replace("type=\"output\"", "type=\"input\"");
        assert_eq!(rows(&missing)[1], ("output".into(), None, -660.0));
        let cost = EXACT.replace("0.22596599999999997", "0.225967");
        assert!(rows(&cost)[2].2 > 0.0);
        let foreign =
            format!("{EXACT}claude_code_token_usage_tokens_total{{session_id=\"b\",type=\"input\"}} 5\n");
        assert_eq!(rows(&foreign)[3], ("input".into(), Some(5.0), 5.0));
    }

    /// Scenario: costs of the session in two series, of another one, what caches saved; a page without costs.
    /// Guarantee: the first two are added up, and where nothing is computed nothing is said.
    #[test]
    fn computed_costs_stand_beside() {
        let page = format!(
            "{EXACT}token_ledger_cost_USD_total{{session_id=\"a\",type=\"input\"}} 0.25\n\
             token_ledger_cost_USD_total{{session_id=\"a\",type=\"output\"}} 0.5\n\
             token_ledger_cost_USD_total{{session_id=\"b\",type=\"output\"}} 4\n\
             token_ledger_cost_savings_USD_total{{session_id=\"a\"}} 8\n"
        );
        let estimates_of = |page: &str| estimates(&truth(), &parse(page).unwrap());
        assert_eq!(estimates_of(&page), [Estimate { session_id: "a".into(), computed_usd: 0.75 }]);
        assert_eq!(estimates_of(EXACT), []);
        assert!(rows(&page).iter().all(|(_, _, difference)| *difference == 0.0));
    }

    /// Scenario: a total of zero that is not on the page. Guarantee: missing is not exact.
    #[test]
    fn a_missing_zero_is_not_exact() {
        let json = r#"{"sessions":[{"session_id":"a","model":"m","tokens":{"input":0},"cost_usd":0}]}"#;
        let rows = compare(&serde_json::from_str(json).unwrap(), &[]);
        assert!(rows.iter().all(|row| !row.is_exact() && row.difference == 0.0), "{rows:?}");
    }
}
