//! No price: which name was looked for, what looks like it, and what to do.

use serde::Serialize;
use tokenledger_prices::{Found, Name, Prices, show_moment};

use crate::exit::Exit;
use crate::output;

#[derive(Debug, Serialize)]
struct Unknown<'a> {
    known: bool,
    /// As it was named.
    name: &'a str,
    /// What was looked for; empty for a name that contains none, as an application inference profile's ARN.
    model: &'a str,
    reason: String,
    /// Names of the table that look like it, to show only: nothing is priced by them.
    did_you_mean: Vec<&'a str>,
    remedy: String,
}

/// The table has no such model.
pub fn print(prices: &Prices, name: &str, json: bool) -> Exit {
    let read = Name::of(name);
    let reason = if read.model.is_empty() {
        format!("{name:?} does not contain the name of a model")
    } else {
        format!("no price is known for {:?}, and none is guessed", read.model)
    };
    let alias = name.trim();
    let remedy = format!(
        "say in a price file (--prices) which model it is, aliases.{alias:?} = \"claude-…\", or give it a row \
         [[price]]; `tokenledger price --list` shows the models that are known"
    );
    finish(
        &Unknown { known: false, name, model: &read.model, reason, did_you_mean: prices.near(name), remedy },
        json,
    )
}

/// The table has the model, but no row for that moment.
pub fn print_not_yet(found: &Found<'_>, name: &str, at: u64, json: bool) -> Exit {
    let rows: Vec<String> = found
        .rows()
        .map(|row| {
            let from = row.from.map_or("ever".to_owned(), |from| from.to_string());
            row.to.map_or(format!("since {from}"), |to| format!("since {from} until before {to}"))
        })
        .collect();
    let unknown = Unknown {
        known: false,
        name,
        model: found.model,
        reason: format!(
            "{} has no price at {}; it has prices {}",
            found.model,
            show_moment(at),
            rows.join(", ")
        ),
        did_you_mean: Vec::new(),
        remedy: "choose another --at, or give it a row [[price]] for that time in a price file (--prices)"
            .to_owned(),
    };
    finish(&unknown, json)
}

fn finish(unknown: &Unknown<'_>, json: bool) -> Exit {
    if json {
        output::json(unknown);
        return Exit::No;
    }
    output::line(&unknown.reason);
    if !unknown.did_you_mean.is_empty() {
        output::line(&format!("did you mean {}?", unknown.did_you_mean.join(", ")));
    }
    output::line(&unknown.remedy);
    Exit::No
}
