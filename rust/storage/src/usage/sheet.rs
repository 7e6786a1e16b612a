//! A sheet of usage, and its two formats. Nothing in either tells when it was made, so that the same
//! content gives the same bytes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::usage::decimal::{dollars, percent};

/// Names of the columns of tokens, in the order in which files are read.
const TOKENS: [&str; 5] =
    ["other_tokens", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"];
/// The order in which they stand in a sheet.
const ORDER: [usize; 5] = [1, 2, 3, 4, 0];

/// What the two kinds of costs are.
const COST_BASIS: &str = "reported costs are what clients say, computed costs are from list prices: \
                          both are estimates, not a bill";

/// Tokens and costs, wide enough for any number of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// In the order of the measures.
    pub tokens: [i128; 5],
    /// Units of 10⁻¹² dollars.
    pub reported: i128,
    /// The same; `None` where nothing was computed.
    pub computed: Option<i128>,
}

impl Amounts {
    /// Adds others up.
    pub fn add(&mut self, other: &Self) {
        self.tokens.iter_mut().zip(other.tokens).for_each(|(sum, tokens)| *sum += tokens);
        self.reported += other.reported;
        self.computed = match (self.computed, other.computed) {
            (None, None) => None,
            (one, another) => Some(one.unwrap_or(0) + another.unwrap_or(0)),
        };
    }

    fn total(&self) -> i128 {
        self.tokens.iter().sum()
    }
}

/// How many different ones used anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub sessions: usize,
    pub users: usize,
}

/// What was used under one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Texts in the order of the columns.
    pub key: Vec<String>,
    /// Every dimension of the key is known.
    pub is_attributed: bool,
    pub amounts: Amounts,
    pub counts: Counts,
}

/// A file that was added in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    pub file: String,
    pub kept_since: String,
    /// It does not cover the whole month.
    #[serde(skip)]
    pub begins_inside: bool,
}

/// Usage of a period by some columns, with what is unattributed and the totals; rows are sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub(crate) period: String,
    pub(crate) is_closed: bool,
    pub(crate) by: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
    pub(crate) unattributed: (Counts, Amounts),
    pub(crate) totals: (Counts, Amounts),
    /// Versions of the price tables that computed costs come from, in the order of their use.
    pub(crate) price_tables: Vec<String>,
    pub(crate) sources: Vec<Source>,
}

impl Sheet {
    /// What a reader should know that the figures do not tell: files that do not cover the whole month.
    pub fn remarks(&self) -> Vec<String> {
        let inside = self.sources.iter().filter(|source| source.begins_inside);
        let remark = |source: &Source| {
            format!(
                "{}: usage is kept since {}, later than {} began",
                source.file, source.kept_since, self.period
            )
        };
        inside.map(remark).collect()
    }

    /// Comma-separated values with a head: a line per row, then one for all that is unattributed, and the
    /// total. A text that a spreadsheet would take for a formula begins with an apostrophe.
    pub fn to_csv(&self) -> String {
        let mut head = vec!["period", "state", "price_table", "cost_basis", "row"];
        head.extend(&self.by);
        head.extend(ORDER.map(|place| TOKENS[place]));
        head.extend(["total_tokens", "reported_cost_usd", "computed_cost_usd"]);
        head.extend(["share_of_tokens_percent", "share_of_reported_cost_percent"]);
        head.extend(["share_of_computed_cost_percent", "sessions", "users"]);
        let mut out = head.join(",") + "\n";
        let nothing = vec![String::new(); self.by.len()];
        for row in &self.rows {
            let kind = if row.is_attributed { "attributed" } else { "unattributed" };
            self.line(&mut out, kind, &row.key, &row.amounts, row.counts);
        }
        let (counts, amounts) = &self.unattributed;
        self.line(&mut out, "unattributed_total", &nothing, amounts, *counts);
        let (counts, amounts) = &self.totals;
        self.line(&mut out, "total", &nothing, amounts, *counts);
        out
    }

    fn line(&self, out: &mut String, kind: &str, key: &[String], amounts: &Amounts, counts: Counts) {
        let figures = self.figures(amounts, counts);
        let price_table = harmless(&self.price_table().unwrap_or_else(|| "none".to_owned()));
        let mut cells =
            vec![self.period.clone(), self.state().to_owned(), price_table, COST_BASIS.to_owned()];
        cells.push(kind.to_owned());
        cells.extend(key.iter().map(|text| harmless(text)));
        cells.extend(ORDER.map(|place| figures.tokens[TOKENS[place]].to_string()));
        cells.push(figures.total_tokens.to_string());
        cells.push(figures.reported_cost_usd);
        cells.push(figures.computed_cost_usd.unwrap_or_default());
        cells.push(figures.share_of_tokens_percent.unwrap_or_default());
        cells.push(figures.share_of_reported_cost_percent.unwrap_or_default());
        cells.push(figures.share_of_computed_cost_percent.unwrap_or_default());
        cells.extend([counts.sessions.to_string(), counts.users.to_string()]);
        let quoted: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
        out.push_str(&quoted.join(","));
        out.push('\n');
    }

    /// One JSON document. Costs and shares are texts, because they are exact decimals.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let rows = self.rows.iter().map(|row| JsonRow {
            attributed: row.is_attributed,
            by: self.by.iter().copied().zip(row.key.iter().map(String::as_str)).collect(),
            figures: self.figures(&row.amounts, row.counts),
        });
        let document = Document {
            period: &self.period,
            state: self.state(),
            price_table: self.price_table(),
            cost_basis: COST_BASIS,
            by: &self.by,
            rows: rows.collect(),
            unattributed: self.figures(&self.unattributed.1, self.unattributed.0),
            totals: self.figures(&self.totals.1, self.totals.0),
            files: &self.sources,
        };
        serde_json::to_string_pretty(&document).map(|text| text + "\n")
    }

    fn state(&self) -> &'static str {
        if self.is_closed { "closed" } else { "open" }
    }

    /// `None` where nothing was computed.
    fn price_table(&self) -> Option<String> {
        (!self.price_tables.is_empty()).then(|| self.price_tables.join("; "))
    }

    fn figures(&self, amounts: &Amounts, counts: Counts) -> Figures {
        let totals = &self.totals.1;
        let share_of_computed = |computed| percent(computed, totals.computed.unwrap_or(0));
        Figures {
            tokens: TOKENS.into_iter().zip(amounts.tokens).collect(),
            total_tokens: amounts.total(),
            reported_cost_usd: dollars(amounts.reported),
            computed_cost_usd: amounts.computed.map(dollars),
            share_of_tokens_percent: percent(amounts.total(), totals.total()),
            share_of_reported_cost_percent: percent(amounts.reported, totals.reported),
            share_of_computed_cost_percent: amounts.computed.and_then(share_of_computed),
            sessions: counts.sessions,
            users: counts.users,
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    period: &'a str,
    state: &'static str,
    price_table: Option<String>,
    cost_basis: &'static str,
    by: &'a [&'static str],
    rows: Vec<JsonRow<'a>>,
    unattributed: Figures,
    totals: Figures,
    files: &'a [Source],
}

#[derive(Serialize)]
struct JsonRow<'a> {
    attributed: bool,
    by: BTreeMap<&'static str, &'a str>,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    tokens: BTreeMap<&'static str, i128>,
    total_tokens: i128,
    reported_cost_usd: String,
    computed_cost_usd: Option<String>,
    share_of_tokens_percent: Option<String>,
    share_of_reported_cost_percent: Option<String>,
    share_of_computed_cost_percent: Option<String>,
    sessions: usize,
    users: usize,
}

/// Clients choose these texts; a spreadsheet must not run them.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// As RFC 4180 has it.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
