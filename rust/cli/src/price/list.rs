//! `tokenledger price --list`: the models that have a price.

use serde::Serialize;
use tokenledger_prices::{Class, Modifiers, Prices, Tokens, Usd, seller_of_statement, show_moment};

use super::{document, grouped, notes};
use crate::exit::Exit;
use crate::output;

#[derive(Debug, Serialize)]
struct List<'a> {
    time: String,
    table: &'a str,
    models: Vec<Model<'a>>,
}

/// Prices for a million tokens, as texts.
#[derive(Debug, Serialize)]
struct Model<'a> {
    provider: &'a str,
    model: &'a str,
    usd_per_million: std::collections::BTreeMap<&'static str, String>,
    /// Tokens of input above which other prices hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    long_context_above: Option<u64>,
    source: &'a str,
}

/// All models with a row at that moment, of one seller if it is given.
pub fn print(prices: &Prices, provider: &str, at: u64, json: bool) -> Exit {
    let list = List { time: show_moment(at), table: prices.version(), models: models(prices, provider, at) };
    if json {
        output::json(&list);
    } else {
        lines(&list).iter().for_each(|line| output::line(line));
    }
    if list.models.is_empty() { Exit::No } else { Exit::Yes }
}

fn models<'a>(prices: &'a Prices, provider: &str, at: u64) -> Vec<Model<'a>> {
    let provider = seller_of_statement(provider);
    let mut models: Vec<_> = prices
        .models()
        .filter(|found| provider.is_empty() || found.provider == provider)
        .filter_map(|found| found.explain(&Tokens::default(), 0, at, Modifiers::default()))
        .map(|explanation| Model {
            provider: explanation.provider,
            model: explanation.model,
            usd_per_million: Class::ALL
                .into_iter()
                .map(|class| {
                    let price = explanation.per_token[class as usize] * 1_000_000;
                    (document::type_name(class), Usd(price).to_string())
                })
                .collect(),
            long_context_above: explanation.threshold,
            source: &explanation.answer.row.source,
        })
        .collect();
    models.sort_by_key(|model| (model.provider, model.model));
    models
}

fn lines(list: &List<'_>) -> Vec<String> {
    let width = |of: fn(&Model<'_>) -> usize| list.models.iter().map(of).max().unwrap_or(0).max(8);
    let (provider, model) = (width(|model| model.provider.len()), width(|model| model.model.len()));
    let line = |first: &str, second: &str, prices: [&str; 5], more: &str| {
        let [input, output, read, write_5m, write_1h] = prices;
        let text = format!(
            "{first:<provider$}  {second:<model$}  {input:>8} {output:>8} {read:>9} {write_5m:>9} {write_1h:>9}  {more}"
        );
        text.trim_end().to_owned()
    };
    let mut lines =
        vec![line("provider", "model", ["input", "output", "read", "write 5m", "write 1h"], "other prices")];
    for model in &list.models {
        let prices =
            [Class::Input, Class::Output, Class::CacheRead, Class::CacheWrite5m, Class::CacheWrite1h].map(
                |class| model.usd_per_million.get(document::type_name(class)).map_or("", String::as_str),
            );
        let more = model
            .long_context_above
            .map_or(String::new(), |above| format!("above {} tokens of input", grouped(above)));
        lines.push(line(model.provider, model.model, prices, &more));
    }
    lines.push(String::new());
    lines.push(format!(
        "{} models at {}, table {}. US dollars for a million tokens. {}",
        list.models.len(),
        list.time,
        list.table,
        notes::ESTIMATE
    ));
    lines
}
