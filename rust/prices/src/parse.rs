//! From text to a checked table: every error names its line, what is there, and what to do.

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use crate::table::Currency;
use crate::{Table, TableError};

/// The place of a fault in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The row with this number, from 0.
    Price(usize),
    /// The discount with this number, from 0.
    Discount(usize),
    /// Told by the text.
    Whole,
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub text: String,
}

impl Fault {
    pub fn new(place: Place, text: impl Into<String>) -> Self {
        Self { place, text: text.into() }
    }
}

/// Reads the table, without looking at what it means.
pub fn table(text: &str) -> Result<Table, TableError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or_else(String::new, |span| format!("line {}: ", line(text, span.start)));
        TableError(format!("{at}{}", error.message().trim_end().replace('\n', " ")))
    })
}

/// A fault as an error that names the line. The lines of rows are looked up only now, by reading once more.
pub fn located(text: &str, table: &Table, fault: Fault) -> TableError {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Lines {
        price: Vec<Spanned<IgnoredAny>>,
        discount: Vec<Spanned<IgnoredAny>>,
    }
    let lines: Lines = toml::from_str(text).unwrap_or_default();
    let at = |spans: &[Spanned<IgnoredAny>], number: usize| {
        spans
            .get(number)
            .map_or_else(String::new, |spanned| format!("line {}, ", line(text, spanned.span().start)))
    };
    let place = match fault.place {
        Place::Price(number) => {
            let of = table.prices.get(number).map_or_else(String::new, |row| {
                if row.model.is_empty() {
                    return String::new();
                }
                format!(
                    " ({} of {})",
                    row.model,
                    if row.provider.is_empty() { "nobody" } else { &row.provider }
                )
            });
            format!("{}price {}{of}: ", at(&lines.price, number), number + 1)
        }
        Place::Discount(number) => format!("{}discount {}: ", at(&lines.discount, number), number + 1),
        Place::Whole => String::new(),
    };
    TableError(format!("{place}{}", fault.text))
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// A currency that can be used.
pub fn check_currency(currency: &Currency) -> Result<(), Fault> {
    let fault = |text: String| Fault::new(Place::Whole, format!("currency: {text}"));
    let code = &currency.code;
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(fault(format!("{code:?} is no code of ISO 4217; write three capitals, for example EUR")));
    }
    let rate = currency.per_usd;
    if !(rate.is_finite() && rate > 0.0 && rate <= 1e9) {
        return Err(fault(format!("per_usd is {rate}; write how many {code} one dollar is worth")));
    }
    Ok(())
}
