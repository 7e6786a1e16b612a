//! One row, checked and brought to integers.

use crate::exact::{factor, in_ratio, per_search, per_token};
use crate::moment::unix_nano;
use crate::table::Tier;
use crate::{Class, PicoUsd, Row, seller};

/// Prices by [`Class`] in units of 10⁻¹² dollars per token.
pub type Sheet = [u64; Class::COUNT];

/// A row in use. Factors are parts per 10,000.
#[derive(Clone, Debug)]
pub struct Entry {
    pub row: Row,
    /// First moment of validity in Unix nanoseconds.
    pub from: u64,
    /// First moment after it.
    pub to: u64,
    pub ordinary: Sheet,
    /// The threshold, and the prices above it.
    pub long_context: Option<(u64, Sheet)>,
    pub priority: Option<Sheet>,
    /// Priority above the threshold: each class is dearer in the same ratio as below it.
    pub long_priority: Option<Sheet>,
    pub fast: Option<u64>,
    pub batch: Option<u64>,
    pub flex: Option<u64>,
    pub residency_us: Option<u64>,
    pub regional: Option<u64>,
    pub govcloud: Option<u64>,
    /// Units of 10⁻¹² dollars for one search.
    pub web_search: Option<PicoUsd>,
}

impl Entry {
    /// Checks a row; an error says what is wrong with it.
    pub fn of(mut row: Row) -> Result<Self, String> {
        named(&row)?;
        row.provider = seller::of_statement(&row.provider);
        let (from, to) = period(row.from.as_ref(), row.to.as_ref())?;
        let ordinary = ordinary(&row)?;
        let long_context = match &row.long_context {
            None => None,
            Some(long) if long.above == 0 => {
                return Err("long_context.above is 0 or missing: write the number of tokens of input that \
                            are still at the ordinary price"
                    .to_owned());
            }
            Some(long) => Some((long.above, tier("long_context", &row, &ordinary, &long.tier)?)),
        };
        let priority =
            row.priority.as_ref().map(|prices| tier("priority", &row, &ordinary, prices)).transpose()?;
        let long_priority = match (&long_context, &priority) {
            (Some((_, long)), Some(priority)) => Some(in_ratio_of(long, priority, &ordinary)?),
            _ => None,
        };
        let optional = |name: &str, value: Option<f64>| {
            value.map(factor).transpose().map_err(|reason| format!("{name}: {reason}"))
        };
        Ok(Self {
            from,
            to,
            ordinary,
            long_context,
            priority,
            long_priority,
            fast: optional("fast", row.fast)?,
            batch: optional("batch", row.batch)?,
            flex: optional("flex", row.flex)?,
            residency_us: optional("residency_us", row.residency_us)?,
            regional: optional("regional", row.regional)?,
            govcloud: optional("govcloud", row.govcloud)?,
            web_search: row
                .web_search
                .map(per_search)
                .transpose()
                .map_err(|reason| format!("web_search: {reason}"))?,
            row,
        })
    }
}

fn named(row: &Row) -> Result<(), String> {
    if row.provider.trim().is_empty() {
        return Err("provider is missing: write who sells, for example provider = \"anthropic\"".to_owned());
    }
    let longest = crate::name::MAX_BYTES;
    for (number, name) in row.names().enumerate() {
        if name.trim().is_empty() {
            return Err("model is missing, or a name is empty: write the model's normalised name, as \
                        `tokenledger price --model NAME` shows it"
                .to_owned());
        }
        if name.len() > longest {
            return Err(format!("a name is longer than {longest} bytes"));
        }
        if row.names().skip(number + 1).any(|other| other == name) {
            return Err(format!("the name {name:?} is there twice; remove one"));
        }
    }
    Ok(())
}

impl Row {
    /// The model's name, then the others.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.model).chain(&self.names).map(String::as_str)
    }
}

/// A period in Unix nanoseconds.
pub fn period(
    from: Option<&toml::value::Datetime>,
    to: Option<&toml::value::Datetime>,
) -> Result<(u64, u64), String> {
    let moment = |name, datetime: Option<&_>, absent| match datetime {
        Some(datetime) => unix_nano(datetime).map_err(|reason| format!("{name}: {reason}")),
        None => Ok(absent),
    };
    let (start, end) = (moment("from", from, 0)?, moment("to", to, u64::MAX)?);
    if start >= end {
        return Err("the period is empty: `to` is the first moment that is no longer in it and must be \
                    after `from`"
            .to_owned());
    }
    Ok((start, end))
}

fn ordinary(row: &Row) -> Result<Sheet, String> {
    let input = price("", "input", row.input)?;
    let output = price("", "output", row.output)?;
    let or = |name, value: Option<f64>, absent| value.map_or(Ok(absent), |value| price("", name, value));
    let cache_write_5m = or("cache_write_5m", row.cache_write_5m, input)?;
    Ok([
        input,
        output,
        or("cache_read", row.cache_read, input)?,
        cache_write_5m,
        or("cache_write_1h", row.cache_write_1h, cache_write_5m)?,
        or("reasoning", row.reasoning, output)?,
    ])
}

/// What a tier leaves out keeps its ratio to input if the row has a price for it, and else follows the same rule as
/// in the row: reads and writes as input, reasoning as output.
fn tier(name: &str, row: &Row, ordinary: &Sheet, tier: &Tier) -> Result<Sheet, String> {
    let input = price(name, "input", tier.input)?;
    let output = price(name, "output", tier.output)?;
    let other = |class: Class, field: &str, own: Option<f64>, in_row: Option<f64>, absent: u64| match own {
        Some(own) => price(name, field, own),
        None if in_row.is_some() => in_ratio(ordinary[class as usize], input, ordinary[0])
            .map_err(|reason| format!("{name}.{field}: {reason}")),
        None => Ok(absent),
    };
    let cache_write_5m =
        other(Class::CacheWrite5m, "cache_write_5m", tier.cache_write_5m, row.cache_write_5m, input)?;
    Ok([
        input,
        output,
        other(Class::CacheRead, "cache_read", tier.cache_read, row.cache_read, input)?,
        cache_write_5m,
        other(
            Class::CacheWrite1h,
            "cache_write_1h",
            tier.cache_write_1h,
            row.cache_write_1h,
            cache_write_5m,
        )?,
        other(Class::Reasoning, "reasoning", None, row.reasoning, output)?,
    ])
}

fn in_ratio_of(long: &Sheet, priority: &Sheet, ordinary: &Sheet) -> Result<Sheet, String> {
    let mut sheet = *long;
    for class in 0..Class::COUNT {
        sheet[class] = in_ratio(long[class], priority[class], ordinary[class])?;
    }
    Ok(sheet)
}

fn price(tier: &str, field: &str, value: f64) -> Result<u64, String> {
    per_token(value).map_err(|reason| {
        let name = if tier.is_empty() { field.to_owned() } else { format!("{tier}.{field}") };
        if value.is_nan() {
            format!("{name} is missing or no number: write dollars per million tokens, 0 if it is free")
        } else {
            format!("{name}: {reason} (dollars per million tokens)")
        }
    })
}
