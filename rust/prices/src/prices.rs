//! The table in use: from a model's name to the rows that price it.

use std::sync::{Arc, OnceLock};

use crate::book::{Book, Group};
use crate::name::{self, Name, Spelling};
use crate::parse::{self, Fault, Place};
use crate::table::Currency;
use crate::{Found, Geography, Table, TableError, near, seller};

/// The table that is compiled in.
const BUILT_IN: &str = include_str!("../table/prices.toml");

/// An immutable price table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Prices {
    book: Arc<Book>,
    version: Arc<str>,
}

impl Prices {
    /// The built-in table. It is read once per process.
    pub fn built_in() -> Result<Self, TableError> {
        static READ: OnceLock<Result<Prices, TableError>> = OnceLock::new();
        READ.get_or_init(|| Self::of_text(BUILT_IN)).clone()
    }

    /// A table of this text alone, without the built-in one.
    pub fn of_text(text: &str) -> Result<Self, TableError> {
        let table = parse::table(text)?;
        let prices = Book::of(&table, false)
            .map(|book| Self { book: Arc::new(book), version: table.version.as_str().into() })
            .and_then(|prices| prices.targets_are_known(&table).map(|()| prices));
        prices.map_err(|fault| parse::located(text, &table, fault))
    }

    /// The built-in table with a user's rows, aliases, discounts and currency before it. An empty text changes
    /// nothing.
    pub fn with_user_file(text: &str) -> Result<Self, TableError> {
        let built_in = Self::built_in()?;
        let table = parse::table(text)?;
        if table == Table::default() {
            return Ok(built_in);
        }
        let version = match table.version.as_str() {
            "" => format!("{}+{:08x}", built_in.version, fingerprint(text)),
            own => format!("{}+{own}", built_in.version),
        };
        let prices = Book::of(&table, true)
            .map(|book| Self { book: Arc::new(book.before(&built_in.book)), version: version.into() })
            .and_then(|prices| prices.targets_are_known(&table).map(|()| prices));
        prices.map_err(|fault| parse::located(text, &table, fault))
    }

    /// Aliases and discounts that can never match are mistakes.
    fn targets_are_known(&self, table: &Table) -> Result<(), Fault> {
        for (alias, target) in &table.aliases {
            if self.resolve(target, "", &Name::default()).is_none() {
                let text = format!(
                    "alias {alias:?}: no price is known for {target:?}; write the name of a model of \
                     `tokenledger price --list`, or add a [[price]] for it{}",
                    self.suggestion(target)
                );
                return Err(Fault::new(Place::Whole, text));
            }
        }
        for (number, agreed) in self.book.discounts.iter().enumerate().take(table.discounts.len()) {
            if let Some(model) = agreed.one_model()
                && self.book.named(model).next().is_none()
            {
                let text = format!(
                    "no price is known for the model {model:?}; write a name of `tokenledger price --list`, or \
                     * for any text{}",
                    self.suggestion(model)
                );
                return Err(Fault::new(Place::Discount(number), text));
            }
        }
        Ok(())
    }

    fn suggestion(&self, model: &str) -> String {
        self.near(model).first().map_or_else(String::new, |near| format!(" (did you mean {near}?)"))
    }

    /// Names the built-in table, and the user's where there is one: `2026-11-20`, `2026-11-20+contract-7`; a
    /// user's table without a version is named by a fingerprint of its text.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The currency that a user wants to see beside dollars.
    pub fn currency(&self) -> Option<&Currency> {
        self.book.currency.as_ref()
    }

    /// The model that a client means by `model`; `stated_provider` is `gen_ai.provider.name` or its like, empty if
    /// the client does not say. `None`: no price is known, and none must be guessed.
    pub fn find<'a>(&'a self, model: &str, stated_provider: &str) -> Option<Found<'a>> {
        let name = Name::of(model);
        match self.alias(model, &name) {
            Some(target) => self.resolve(target, stated_provider, &name),
            None => self.resolve(model, stated_provider, &Name::default()),
        }
    }

    fn alias(&self, model: &str, name: &Name) -> Option<&str> {
        if self.book.aliases.is_empty() {
            return None;
        }
        let whole = name::folded(model)?;
        let spellings = name.spellings.iter().map(|spelling| &spelling.text);
        std::iter::once(&whole)
            .chain(spellings)
            .find_map(|text| self.book.aliases.get(text))
            .map(String::as_str)
    }

    /// `alias` is what the name of an alias told, used for what `model` does not tell.
    fn resolve(&self, model: &str, stated_provider: &str, alias: &Name) -> Option<Found<'_>> {
        let name = Name::of(model);
        let seller = seller_of(stated_provider, &name, alias);
        let geography = if name.geography == Geography::Unstated { alias.geography } else { name.geography };
        let whole = Spelling { text: name::folded(model)?, fast: false };
        let (own, maker, fast) = std::iter::once(&whole)
            .chain(&name.spellings)
            .find_map(|spelling| self.spelled(spelling, &seller, &name.maker))?;
        let group = own.or(maker)?;
        let provider =
            seller::known(&seller).or_else(|| self.book.seller(&seller)).unwrap_or(&group.provider);
        let bare_is_regional = self.book.bedrock_bare_is_regional.unwrap_or(true);
        let has_regional =
            |group: &Group| group.segments.iter().any(|segment| segment.entry.regional.is_some());
        let assumed_regional = provider == "bedrock"
            && geography == Geography::Unstated
            && bare_is_regional
            && own.into_iter().chain(maker).any(has_regional);
        Some(Found {
            book: &self.book,
            own,
            maker,
            provider,
            model: &group.model,
            geography,
            fast,
            assumed_regional,
        })
    }

    /// The rows for one spelling: the seller's own, and those of the maker.
    fn spelled<'a>(
        &'a self,
        spelling: &Spelling,
        seller: &str,
        maker: &str,
    ) -> Option<(Option<&'a Group>, Option<&'a Group>, bool)> {
        let groups = self.book.named(&spelling.text);
        let of = |provider: &str| groups.clone().find(|group| group.provider == provider);
        let own = of(seller).filter(|_| !seller.is_empty());
        let may_stand = |group: &&Group| group.of_user || !seller::has_prices_of_its_own(seller, maker);
        let mut made = of(maker).filter(|group| !maker.is_empty() && may_stand(group));
        if own.is_none() && made.is_none() {
            // A name that only one seller has leaves no choice; where the client names another seller, only a
            // user's row may stand for that one too.
            let mut all = groups.clone();
            let only = all.next().filter(|_| all.next().is_none());
            made = only.filter(|only| seller.is_empty() || only.of_user);
        }
        // A name that asks for fast mode of a model that never had one is the name of something else.
        let mut both = own.into_iter().chain(made);
        let known = if spelling.fast { both.any(Group::has_fast) } else { both.next().is_some() };
        known.then_some((own, made, spelling.fast))
    }

    /// All models, each with its seller, in the order of the table; a user's first.
    pub fn models(&self) -> impl Iterator<Item = Found<'_>> {
        self.book.groups.iter().map(|group| Found {
            book: &self.book,
            own: Some(group),
            maker: None,
            provider: &group.provider,
            model: &group.model,
            geography: Geography::Unstated,
            fast: false,
            assumed_regional: false,
        })
    }

    /// Up to three known names that look like `model`, the nearest first: to show people, never to price by.
    pub fn near(&self, model: &str) -> Vec<&str> {
        let name = Name::of(model);
        near::nearest(&name.model, self.book.names())
    }
}

/// Who sells. What the client states counts, unless it states a maker and the name names a cloud or a router:
/// clients state the maker also where they reach it through another.
fn seller_of(stated: &str, name: &Name, alias: &Name) -> String {
    let stated = if stated.len() <= name::MAX_BYTES { seller::of_statement(stated) } else { String::new() };
    let spelled = [&name.seller, &alias.seller].into_iter().find(|seller| !seller.is_empty());
    match spelled {
        Some(spelled) if stated.is_empty() || !seller::is_reseller(&stated) => spelled.clone(),
        _ if !stated.is_empty() => stated,
        _ => name.maker.clone(),
    }
}

/// FNV-1a, to tell texts apart that have no version; no defence against anybody.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
