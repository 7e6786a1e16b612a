//! Checked rows in the order in which they are looked for: by name, then by seller, then by time.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::discount::Agreed;
use crate::entry::Entry;
use crate::name::{self, canonical};
use crate::parse::{self, Fault, Place};
use crate::table::{Currency, Table};

/// A row for a part of its validity: a user's row may take another part from it.
#[derive(Clone, Debug)]
pub struct Segment {
    pub from: u64,
    pub to: u64,
    pub entry: Arc<Entry>,
}

/// All rows of one model from one seller.
#[derive(Clone, Debug)]
pub struct Group {
    pub provider: String,
    /// As the first row has it.
    pub model: String,
    /// The same, canonical.
    pub key: String,
    /// Every name of every row, canonical.
    pub names: Vec<String>,
    /// In order of time, without overlaps.
    pub segments: Vec<Segment>,
    /// Whether a user's file has rows of it.
    pub of_user: bool,
}

/// A table in use.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// A user's groups first.
    pub groups: Vec<Group>,
    /// Numbers of groups by canonical name, in the order of the groups.
    by_name: HashMap<String, Vec<u32>>,
    /// From names in small letters to names as clients write them.
    pub aliases: BTreeMap<String, String>,
    pub discounts: Vec<Agreed>,
    pub currency: Option<Currency>,
    pub bedrock_bare_is_regional: Option<bool>,
}

impl Book {
    /// Checks a table by itself.
    pub fn of(table: &Table, of_user: bool) -> Result<Self, Fault> {
        let mut book = Self { bedrock_bare_is_regional: table.bedrock_bare_is_regional, ..Self::default() };
        book.take_rows(table, of_user)?;
        book.index();
        book.no_name_twice()?;
        for (alias, target) in &table.aliases {
            book.take_alias(alias, target)?;
        }
        for (number, discount) in table.discounts.iter().enumerate() {
            let agreed = Agreed::of(discount.clone());
            book.discounts.push(agreed.map_err(|text| Fault::new(Place::Discount(number), text))?);
        }
        if let Some(currency) = &table.currency {
            parse::check_currency(currency)?;
            book.currency = Some(currency.clone());
        }
        Ok(book)
    }

    fn take_rows(&mut self, table: &Table, of_user: bool) -> Result<(), Fault> {
        let mut numbers = HashMap::new();
        for (number, row) in table.prices.iter().enumerate() {
            let mut entry = Entry::of(row.clone()).map_err(|text| Fault::new(Place::Price(number), text))?;
            if of_user && entry.row.source.is_empty() {
                entry.row.source = "the user's file".to_owned();
            }
            let key = canonical_name(&entry.row.model);
            let group = *numbers.entry((entry.row.provider.clone(), key.clone())).or_insert_with(|| {
                self.groups.push(Group::of(&entry, key, of_user));
                self.groups.len() - 1
            });
            self.groups[group].take(entry).map_err(|text| Fault::new(Place::Price(number), text))?;
        }
        Ok(())
    }

    fn index(&mut self) {
        self.by_name.clear();
        for (number, group) in (0..).zip(&self.groups) {
            for name in &group.names {
                self.by_name.entry(name.clone()).or_default().push(number);
            }
        }
    }

    fn no_name_twice(&self) -> Result<(), Fault> {
        for (name, numbers) in &self.by_name {
            for (at, number) in numbers.iter().enumerate() {
                let group = &self.groups[*number as usize];
                let others = numbers[..at].iter().map(|other| &self.groups[*other as usize]);
                if let Some(other) = others.into_iter().find(|other| other.provider == group.provider) {
                    return Err(Fault::new(
                        Place::Whole,
                        format!(
                            "{name:?} is a name both of {} and of {} from {}; remove it from one of them",
                            other.model, group.model, group.provider
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    fn take_alias(&mut self, alias: &str, target: &str) -> Result<(), Fault> {
        let fault = |text: String| Fault::new(Place::Whole, format!("alias {alias:?}: {text}"));
        let folded =
            name::folded(alias).ok_or_else(|| fault(format!("must have 1 to {} bytes", name::MAX_BYTES)))?;
        let key = canonical(&folded);
        for key in [Some(&folded), (key != folded).then_some(&key)].into_iter().flatten() {
            if self.aliases.insert(key.clone(), target.to_owned()).is_some_and(|other| other != target) {
                return Err(fault("stands for two models, in another spelling; remove one".to_owned()));
            }
        }
        Ok(())
    }

    /// This user's book, and what `built_in` has where this one has nothing.
    pub fn before(mut self, built_in: &Self) -> Self {
        let mut at = HashMap::new();
        for (number, group) in self.groups.iter().enumerate() {
            at.insert((group.provider.clone(), group.key.clone()), number);
        }
        for group in &built_in.groups {
            match at.get(&(group.provider.clone(), group.key.clone())) {
                Some(number) => self.groups[*number].fill(group),
                None => self.groups.push(group.clone()),
            }
        }
        self.index();
        for (alias, target) in &built_in.aliases {
            self.aliases.entry(alias.clone()).or_insert_with(|| target.clone());
        }
        self.discounts.extend(built_in.discounts.iter().cloned());
        self.currency = self.currency.or_else(|| built_in.currency.clone());
        self.bedrock_bare_is_regional = self.bedrock_bare_is_regional.or(built_in.bedrock_bare_is_regional);
        self
    }

    /// The groups that have this canonical name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Group> + Clone {
        let numbers = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.groups.get(*number as usize))
    }

    /// Every canonical name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The book's own text for a seller that it knows from rows or discounts.
    pub fn seller(&self, seller: &str) -> Option<&str> {
        let of_discounts = self.discounts.iter().filter_map(Agreed::provider);
        let of_rows = self.groups.iter().map(|group| group.provider.as_str());
        of_discounts.chain(of_rows).find(|known| *known == seller)
    }
}

/// How names of rows are compared: small letters, and Claude's in one order.
fn canonical_name(name: &str) -> String {
    canonical(&name.trim().to_ascii_lowercase())
}

impl Group {
    fn of(entry: &Entry, key: String, of_user: bool) -> Self {
        Self {
            provider: entry.row.provider.clone(),
            model: entry.row.model.clone(),
            key,
            names: Vec::new(),
            segments: Vec::new(),
            of_user,
        }
    }

    /// Puts a row into its place in time; an error if its period has a row already.
    fn take(&mut self, entry: Entry) -> Result<(), String> {
        for name in entry.row.names() {
            self.add_name(canonical_name(name));
        }
        let at = self.segments.partition_point(|segment| segment.from < entry.from);
        let before = at.checked_sub(1).and_then(|before| self.segments.get(before));
        let overlaps = before.is_some_and(|before| before.to > entry.from)
            || self.segments.get(at).is_some_and(|after| after.from < entry.to);
        if overlaps {
            return Err("its period overlaps with that of another row of the same provider and model; \
                        give the earlier one a `to`, the moment from which the later one is valid"
                .to_owned());
        }
        let (from, to) = (entry.from, entry.to);
        self.segments.insert(at, Segment { from, to, entry: Arc::new(entry) });
        Ok(())
    }

    fn add_name(&mut self, name: String) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Takes the rows of `other` for all time in which there is none here.
    fn fill(&mut self, other: &Self) {
        for name in &other.names {
            self.add_name(name.clone());
        }
        let own: Vec<Range<u64>> = self.segments.iter().map(|segment| segment.from..segment.to).collect();
        for segment in &other.segments {
            let mut from = segment.from;
            for taken in own.iter().filter(|own| own.end > segment.from && own.start < segment.to) {
                if from < taken.start {
                    self.segments.push(Segment { from, to: taken.start, entry: segment.entry.clone() });
                }
                from = from.max(taken.end);
            }
            if from < segment.to {
                self.segments.push(Segment { from, to: segment.to, entry: segment.entry.clone() });
            }
        }
        self.segments.sort_by_key(|segment| segment.from);
    }

    /// Whether the model had fast mode at any time.
    pub fn has_fast(&self) -> bool {
        self.segments.iter().any(|segment| segment.entry.fast.is_some())
    }

    /// The row at a moment with the period in which it is the one; else the period around without any.
    pub fn at(&self, unix_nano: u64) -> Result<(&Entry, Range<u64>), Range<u64>> {
        let next = self.segments.partition_point(|segment| segment.from <= unix_nano);
        let last = next.checked_sub(1).and_then(|last| self.segments.get(last));
        match last {
            Some(last) if unix_nano < last.to => Ok((&last.entry, last.from..last.to)),
            _ => {
                let end = self.segments.get(next).map_or(u64::MAX, |next| next.from);
                Err(last.map_or(0, |last| last.to)..end)
            }
        }
    }
}
