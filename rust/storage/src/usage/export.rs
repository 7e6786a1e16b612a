//! Usage as a table for people and their spreadsheets: by whatever dimensions, for a month or any days,
//! added up over all usage files of a directory.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tokenledger::ledger::StorageError;

use crate::usage::calendar;
use crate::usage::read::{Visitor, find, read};
use crate::usage::schema::DIMENSIONS;
pub use crate::usage::sheet::Sheet;
use crate::usage::sheet::{Amounts, Counts, Row, Source};

/// Hours after the end of a month before it counts as over: windows that were on their way when it
/// ended have arrived by then (clients send each minute and repeat a request for some minutes).
pub const SETTLING_HOURS: u32 = 1;

/// Place of the user among the dimensions.
const USER: usize = 3;

/// What the rows of a sheet are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// `2026-10-31`, UTC.
    Day,
    /// `2026-10`, UTC.
    Month,
    /// One of [`tokenledger::usage::Dimensions`], by its place.
    Dimension(usize),
}

impl Column {
    /// All names, in the order of their documentation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DIMENSIONS.into_iter().chain(["day", "month"])
    }

    /// The column of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "day" => Some(Self::Day),
            "month" => Some(Self::Month),
            _ => DIMENSIONS.iter().position(|dimension| *dimension == name).map(Self::Dimension),
        }
    }

    /// Its name, as in the sheet's head.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Dimension(place) => DIMENSIONS.get(place).copied().unwrap_or_default(),
        }
    }

    fn text(self, unix_hour: u32, dimensions: &[String]) -> String {
        match self {
            Self::Day => calendar::day_text(unix_hour),
            Self::Month => calendar::month_text(unix_hour),
            Self::Dimension(place) => dimensions.get(place).cloned().unwrap_or_default(),
        }
    }
}

/// What time a sheet is about, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// `2026-10`, or first and last day with a slash.
    pub name: String,
    hours: Range<u32>,
    is_month: bool,
}

impl Period {
    /// A calendar month, written as `2026-10`.
    pub fn month(text: &str) -> Option<Self> {
        let hours = calendar::month_hours(text)?;
        Some(Self { name: text.to_owned(), hours, is_month: true })
    }

    /// From the first day to the last, itself included, written as `2026-10-31`; open where one is not
    /// given. `None` if a day is none, or they are the wrong way round.
    pub fn days(first: Option<&str>, last: Option<&str>) -> Option<Self> {
        let begin = first.map_or(Some(0), |day| Some(calendar::day_hours(day)?.start))?;
        let end = last.map_or(Some(u32::MAX), |day| Some(calendar::day_hours(day)?.end))?;
        let name = format!("{}/{}", first.unwrap_or_default(), last.unwrap_or_default());
        (begin < end).then_some(Self { name, hours: begin..end, is_month: false })
    }

    fn is_over(&self, now_unix_seconds: u64) -> bool {
        now_unix_seconds / 3600 >= u64::from(self.hours.end) + u64::from(SETTLING_HOURS)
    }
}

/// What to export.
#[derive(Clone, Debug)]
pub struct Request {
    /// What time.
    pub period: Period,
    /// What rows are told apart by, in this order; with none there is one row.
    pub by: Vec<Column>,
    /// Whether a month may be exported that is not over, or not whole any more.
    pub open: bool,
}

/// Why there is no sheet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Nothing to read.
    #[error("there is no usage.db in {} or below", .0.display())]
    NoFile(PathBuf),
    /// The figures of a month still change.
    #[error("{month} is not over before {until}: export it then, or now with --open, which marks it as open")]
    NotOver {
        /// The month.
        month: String,
        /// From when on it counts as over.
        until: String,
    },
    /// A part of the month is gone.
    #[error(
        "{file}: usage before {kept_since} has been removed by retention, so {month} is not whole; with --open it is exported as it is"
    )]
    Pruned {
        /// Where.
        file: String,
        /// The first hour that is still there.
        kept_since: String,
        /// The month.
        month: String,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Adds up all usage files in `directory` and below. Works while collectors write them: each file is
/// read as it stands at one moment.
///
/// The sheet of a month that is over depends on the files' content only: exporting again gives the same
/// bytes, unless a client delivered a window of that month since.
pub fn sheet(directory: &Path, request: &Request, now_unix_seconds: u64) -> Result<Sheet, ExportError> {
    let Request { period, by, open } = request;
    let is_over = period.is_over(now_unix_seconds);
    if period.is_month && !is_over && !open {
        let until = calendar::hour_text(period.hours.end + SETTLING_HOURS);
        return Err(ExportError::NotOver { month: period.name.clone(), until });
    }
    let files = find(directory)?;
    if files.is_empty() {
        return Err(ExportError::NoFile(directory.to_owned()));
    }
    let mut by = by.clone();
    let mut seen = Vec::new();
    by.retain(|column| !seen.contains(column) && (seen.push(*column), true).1);
    let mut grouping = Grouping { by: &by, groups: BTreeMap::new(), totals: Group::default() };
    let mut sources = Vec::new();
    let mut price_tables = BTreeSet::new();
    let mut is_whole = true;
    for file in &files {
        let about = read(file, &period.hours, &mut grouping)?;
        let name = file.strip_prefix(directory).unwrap_or(file).display().to_string();
        let is_pruned = about.pruned > period.hours.start;
        if is_pruned && period.is_month && !open {
            let kept_since = calendar::hour_text(about.pruned);
            return Err(ExportError::Pruned { file: name, kept_since, month: period.name.clone() });
        }
        is_whole &= !is_pruned;
        let kept_since = calendar::hour_text(about.began.max(about.pruned));
        let begins_inside = period.is_month && about.began.max(about.pruned) > period.hours.start;
        sources.push(Source { file: name, kept_since, begins_inside });
        price_tables.extend(about.price_tables);
    }
    let mut sheet = grouping.sheet(period.name.clone(), is_over && is_whole, sources);
    for table in price_tables {
        if !sheet.price_tables.contains(&table.version) {
            sheet.price_tables.push(table.version);
        }
    }
    Ok(sheet)
}

/// Adds rows up by key.
struct Grouping<'a> {
    by: &'a [Column],
    groups: BTreeMap<Vec<String>, Group>,
    totals: Group,
}

#[derive(Default)]
struct Group {
    amounts: Amounts,
    sessions: HashSet<String>,
    users: HashSet<String>,
}

impl Grouping<'_> {
    fn group(&mut self, unix_hour: u32, dimensions: &[String]) -> &mut Group {
        let key = self.by.iter().map(|column| column.text(unix_hour, dimensions)).collect();
        self.groups.entry(key).or_default()
    }

    fn sheet(self, period: String, is_closed: bool, sources: Vec<Source>) -> Sheet {
        let counts = |group: &Group| Counts { sessions: group.sessions.len(), users: group.users.len() };
        let mut unattributed = Group::default();
        let mut rows = Vec::new();
        for (key, group) in self.groups {
            let has_text = |(column, text): (&Column, &String)| {
                !text.is_empty() || !matches!(column, Column::Dimension(_))
            };
            let is_attributed = self.by.iter().zip(&key).all(has_text);
            rows.push(Row { is_attributed, counts: counts(&group), amounts: group.amounts.clone(), key });
            if !is_attributed {
                unattributed.amounts.add(&group.amounts);
                unattributed.sessions.extend(group.sessions);
                unattributed.users.extend(group.users);
            }
        }
        Sheet {
            period,
            is_closed,
            by: self.by.iter().map(|column| column.name()).collect(),
            rows,
            unattributed: (counts(&unattributed), unattributed.amounts),
            totals: (counts(&self.totals), self.totals.amounts),
            price_tables: Vec::new(),
            sources,
        }
    }
}

impl Visitor for Grouping<'_> {
    fn usage(&mut self, unix_hour: u32, dimensions: &[String], amounts: &Amounts) {
        let user = dimensions.get(USER).filter(|user| !user.is_empty());
        self.totals.amounts.add(amounts);
        self.totals.users.extend(user.cloned());
        let group = self.group(unix_hour, dimensions);
        group.amounts.add(amounts);
        group.users.extend(user.cloned());
    }

    fn session(&mut self, unix_hour: u32, dimensions: &[String], session: &str) {
        if !self.totals.sessions.contains(session) {
            self.totals.sessions.insert(session.to_owned());
        }
        let group = self.group(unix_hour, dimensions);
        if !group.sessions.contains(session) {
            group.sessions.insert(session.to_owned());
        }
    }
}
