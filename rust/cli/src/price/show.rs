//! An explained price for people.

use tokenledger_prices::{Class, Explanation, Geography, PicoUsd, Tokens, Usd, show_moment};

use super::{Question, class_name, grouped, notes};

/// The row, where it comes from, the terms, the result.
pub fn lines(question: &Question<'_>, explanation: &Explanation<'_>) -> Vec<String> {
    let mut lines = head(question, explanation);
    lines.push(String::new());
    if explanation.tokens == Tokens::default() && explanation.web_searches == 0 {
        lines.extend(price_list(explanation));
    } else {
        lines.extend(terms(explanation));
        lines.extend(result(question, explanation));
    }
    lines.push(String::new());
    lines.extend(notes::of(question, explanation));
    lines.push(notes::ESTIMATE.to_owned());
    lines
}

fn head(question: &Question<'_>, explanation: &Explanation<'_>) -> Vec<String> {
    let row = explanation.answer.row;
    let place = match question.found.geography {
        Geography::Unstated => "",
        Geography::Global => ", global endpoint",
        Geography::Regional => ", regional endpoint",
        Geography::GovCloud => ", GovCloud",
    };
    let mut lines = vec![
        field("model", &format!("{} at {}{place}", explanation.model, explanation.provider)),
        field("named", question.name),
        field("time", &show_moment(question.at)),
        field("row", &format!("{} of {}, {}", row.model, row.provider, period(explanation))),
        field("source", &row.source),
        field("table", question.prices.version()),
    ];
    if let Some(threshold) = explanation.threshold {
        let (compared, prices) =
            if explanation.answer.long_context { ("above", "upper") } else { ("not above", "ordinary") };
        let [input, threshold] = [explanation.whole_input, threshold].map(grouped);
        let text =
            format!("{input} tokens of input are {compared} {threshold}: {prices} prices for all tokens");
        lines.push(field("long context", &text));
    }
    if explanation.priority {
        lines.push(field("service", "priority prices"));
    }
    for factor in &explanation.factors {
        let assumed = explanation.assumed_regional && factor.name == "regional endpoint";
        let mark = if assumed && !question.modifiers.regional { ", assumed" } else { "" };
        lines.push(field("factor", &format!("{factor} for {}{mark}", factor.name)));
    }
    if let Some(discount) = explanation.discount {
        lines.push(field("discount", &format!("{} %", discount.percent)));
    }
    lines
}

fn period(explanation: &Explanation<'_>) -> String {
    let row = explanation.answer.row;
    match (&row.from, &row.to) {
        (None, None) => "valid at any time".to_owned(),
        (Some(from), None) => format!("valid from {from}"),
        (None, Some(to)) => format!("valid until before {to}"),
        (Some(from), Some(to)) => format!("valid from {from} until before {to}"),
    }
}

fn field(name: &str, text: &str) -> String {
    format!("{name:<13} {text}")
}

/// Nothing was used: what everything would cost.
fn price_list(explanation: &Explanation<'_>) -> Vec<String> {
    let price = |class: Class| columns([class_name(class), "", &per_million(explanation, class), ""]);
    let search = explanation.per_web_search.map(|price| columns(["web search", "", &each(price), ""]));
    let head = columns(["", "", "USD per million", ""]);
    std::iter::once(head)
        .chain(Class::ALL.map(price))
        .chain(search)
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// A line for each class that was used.
fn terms(explanation: &Explanation<'_>) -> Vec<String> {
    let mut lines = vec![columns(["", "tokens", "USD per million", "USD"])];
    for class in Class::ALL {
        let tokens = explanation.tokens.0[class as usize];
        if tokens > 0 {
            let amount = Usd(explanation.answer.list.tokens[class as usize]).to_string();
            let price = per_million(explanation, class);
            lines.push(columns([class_name(class), &grouped(tokens), &price, &amount]));
        }
    }
    if explanation.web_searches > 0 {
        let price =
            explanation.per_web_search.map_or("no price".to_owned(), |price| format!("{} each", Usd(price)));
        let amount = Usd(explanation.answer.list.web_searches).to_string();
        lines.push(columns(["web searches", &grouped(explanation.web_searches), &price, &amount]));
    }
    lines
}

fn result(question: &Question<'_>, explanation: &Explanation<'_>) -> Vec<String> {
    let answer = &explanation.answer;
    let mut lines = Vec::new();
    if explanation.discount.is_some() {
        let off = answer.list.total() - answer.amounts.total();
        lines.push(columns(["at list price", "", "", &Usd(answer.list.total()).to_string()]));
        lines.push(columns(["discount", "", "", &Usd(-off).to_string()]));
    }
    lines.push(columns(["total", "", "", &Usd(answer.amounts.total()).to_string()]));
    if let Some(currency) = question.prices.currency() {
        let rate = format!("{} per USD", currency.per_usd);
        let amount = format!("{:.6}", in_currency(answer.amounts.total(), currency.per_usd));
        lines.push(columns([&format!("in {}", currency.code), "", &rate, &amount]));
    }
    if answer.savings > 0 {
        lines.push(String::new());
        lines.push(format!(
            "Reading from the cache saved {} USD against the same tokens as input.",
            Usd(answer.savings)
        ));
    }
    lines
}

fn per_million(explanation: &Explanation<'_>, class: Class) -> String {
    Usd(explanation.per_token[class as usize] * 1_000_000).to_string()
}

fn each(price: PicoUsd) -> String {
    format!("{} each", Usd(price))
}

/// For display only: the rate is a decimal that a user chose.
pub fn in_currency(amount: PicoUsd, per_usd: f64) -> f64 {
    amount as f64 / 1e12 * per_usd
}

fn columns([name, tokens, price, amount]: [&str; 4]) -> String {
    format!("{name:<14} {tokens:>16} {price:>18} {amount:>18}")
}
