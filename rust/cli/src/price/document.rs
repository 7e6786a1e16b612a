//! An explained price for programs.

use serde::Serialize;
use tokenledger_prices::{Class, Explanation, Usd, show_moment};

use super::{Question, notes, show};

/// The whole answer. Amounts are dollars as decimal texts, exact.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    known: bool,
    /// As it was named.
    name: &'a str,
    model: &'a str,
    provider: &'a str,
    time: String,
    /// Which state of the price table.
    table: &'a str,
    row: Row<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_context: Option<LongContext>,
    priority: bool,
    terms: Vec<Term>,
    /// By what all token prices are multiplied.
    factors: Vec<Factor>,
    assumed_regional: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_percent: Option<f64>,
    list_usd: String,
    usd: String,
    cache_savings_usd: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_currency: Option<InCurrency<'a>>,
    notes: Vec<String>,
    estimate: &'static str,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    provider: &'a str,
    model: &'a str,
    from: Option<String>,
    to: Option<String>,
    source: &'a str,
}

#[derive(Debug, Serialize)]
struct LongContext {
    above: u64,
    whole_input: u64,
    applies: bool,
}

#[derive(Debug, Serialize)]
struct Term {
    r#type: &'static str,
    count: u64,
    /// Of the row, before factors.
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_per_million: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_per_search: Option<String>,
    list_usd: String,
    usd: String,
}

#[derive(Debug, Serialize)]
struct Factor {
    name: &'static str,
    factor: String,
}

#[derive(Debug, Serialize)]
struct InCurrency<'a> {
    code: &'a str,
    per_usd: f64,
    amount: f64,
}

impl<'a> Document<'a> {
    /// What is known about the price.
    pub fn of(question: &Question<'a>, explanation: &Explanation<'a>) -> Self {
        let answer = &explanation.answer;
        let usd = |amount| Usd(amount).to_string();
        Self {
            known: true,
            name: question.name,
            model: explanation.model,
            provider: explanation.provider,
            time: show_moment(question.at),
            table: question.prices.version(),
            row: Row {
                provider: &answer.row.provider,
                model: &answer.row.model,
                from: answer.row.from.map(|from| from.to_string()),
                to: answer.row.to.map(|to| to.to_string()),
                source: &answer.row.source,
            },
            long_context: explanation.threshold.map(|above| LongContext {
                above,
                whole_input: explanation.whole_input,
                applies: answer.long_context,
            }),
            priority: explanation.priority,
            terms: terms(explanation),
            factors: explanation
                .factors
                .iter()
                .map(|factor| Factor { name: factor.name, factor: factor.to_string() })
                .collect(),
            assumed_regional: explanation.assumed_regional,
            discount_percent: explanation.discount.map(|discount| discount.percent),
            list_usd: usd(answer.list.total()),
            usd: usd(answer.amounts.total()),
            cache_savings_usd: usd(answer.savings),
            in_currency: question.prices.currency().map(|currency| InCurrency {
                code: &currency.code,
                per_usd: currency.per_usd,
                amount: show::in_currency(answer.amounts.total(), currency.per_usd),
            }),
            notes: notes::of(question, explanation),
            estimate: notes::ESTIMATE,
        }
    }
}

fn terms(explanation: &Explanation<'_>) -> Vec<Term> {
    let (answer, usd) = (&explanation.answer, |amount| Usd(amount).to_string());
    let of_tokens = Class::ALL.into_iter().map(|class| Term {
        r#type: type_name(class),
        count: explanation.tokens.0[class as usize],
        usd_per_million: Some(usd(explanation.per_token[class as usize] * 1_000_000)),
        usd_per_search: None,
        list_usd: usd(answer.list.tokens[class as usize]),
        usd: usd(answer.amounts.tokens[class as usize]),
    });
    let of_searches = Term {
        r#type: "web_search",
        count: explanation.web_searches,
        usd_per_million: None,
        usd_per_search: explanation.per_web_search.map(usd),
        list_usd: usd(answer.list.web_searches),
        usd: usd(answer.amounts.web_searches),
    };
    of_tokens.chain([of_searches]).filter(|term| term.count > 0).collect()
}

/// Names of classes in documents: those of the table's fields.
pub fn type_name(class: Class) -> &'static str {
    match class {
        Class::Input => "input",
        Class::Output => "output",
        Class::CacheRead => "cache_read",
        Class::CacheWrite5m => "cache_write_5m",
        Class::CacheWrite1h => "cache_write_1h",
        Class::Reasoning => "reasoning",
    }
}
