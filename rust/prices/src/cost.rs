//! From rows and a moment to a price: which prices of the row, times which factors, less which discount.

use std::ops::Range;

use crate::book::{Book, Group};
use crate::discount::{self, Agreed};
use crate::entry::{Entry, Sheet};
use crate::exact::Multiplier;
use crate::{
    Amounts, Answer, Class, Explanation, Factor, Geography, Modifiers, PicoUsd, Row, Tokens, seller,
};

/// A model that the table knows.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub(crate) book: &'a Book,
    /// The rows of the seller.
    pub(crate) own: Option<&'a Group>,
    /// The rows of the maker, for when the seller has none.
    pub(crate) maker: Option<&'a Group>,
    /// Who sells, as the name or the hint tells: `anthropic`, `bedrock`, `vertex`, `azure`, `openai`, `google`.
    pub provider: &'a str,
    /// The normalised name of the model.
    pub model: &'a str,
    /// Where the name says that requests are processed.
    pub geography: Geography,
    /// Whether the name asks for fast mode (`…-fast`); priced as if [`Modifiers::fast`] were set.
    pub fast: bool,
    /// Whether the name is one of Bedrock without a region, and so counts as regional by assumption, which costs
    /// more for this model. `bedrock_bare_is_regional = false` in a user's file turns the assumption off.
    pub assumed_regional: bool,
}

/// The price of one token of a class, and how long it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// After discounts, rounded to whole units.
    pub per_token: PicoUsd,
    /// What one token more costs as input than as this class, after discounts; for cache reads only, else 0.
    pub saved_per_token: PicoUsd,
    /// Unix nanoseconds for which this is the price.
    pub valid: Range<u64>,
}

/// Everything that decides about a price at a moment.
struct Terms<'a> {
    entry: &'a Entry,
    valid: Range<u64>,
    service: Option<Factor>,
    place: Option<Factor>,
    priority: bool,
    agreed: Option<&'a Agreed>,
}

impl<'a> Found<'a> {
    /// What one token of `class` costs at a moment in Unix nanoseconds. `None` if no row is valid then. Long-context
    /// prices cannot be known here: this is the ordinary price.
    pub fn rate(&self, class: Class, unix_nano: u64, modifiers: Modifiers) -> Option<Rate> {
        let terms = self.terms(unix_nano, modifiers)?;
        let (sheet, multiplier) = (terms.sheet(false), terms.paid());
        let saved_per_token = if class == Class::CacheRead { multiplier.of(1, saved(sheet)) } else { 0 };
        let per_token = multiplier.of(1, price(sheet, class));
        Some(Rate { per_token, saved_per_token, valid: terms.valid })
    }

    /// What a request cost at a moment in Unix nanoseconds. `None` if no row is valid then.
    pub fn price(
        &self,
        tokens: &Tokens,
        web_searches: u64,
        unix_nano: u64,
        modifiers: Modifiers,
    ) -> Option<Answer<'a>> {
        Some(self.terms(unix_nano, modifiers)?.answer(tokens, web_searches))
    }

    /// The same as [`Self::price`], with every number that led there.
    pub fn explain(
        &self,
        tokens: &Tokens,
        web_searches: u64,
        unix_nano: u64,
        modifiers: Modifiers,
    ) -> Option<Explanation<'a>> {
        let terms = self.terms(unix_nano, modifiers)?;
        let answer = terms.answer(tokens, web_searches);
        let sheet = terms.sheet(answer.long_context);
        Some(Explanation {
            provider: self.provider,
            model: self.model,
            threshold: terms.entry.long_context.map(|(above, _)| above),
            whole_input: tokens.whole_input(),
            per_token: Class::ALL.map(|class| price(sheet, class)),
            per_web_search: terms.entry.web_search,
            tokens: *tokens,
            web_searches,
            factors: terms.service.into_iter().chain(terms.place).collect(),
            priority: terms.priority,
            assumed_regional: self.assumed_regional && terms.place.is_some(),
            discount: terms.agreed.map(|agreed| &agreed.discount),
            valid: terms.valid,
            answer,
        })
    }

    /// The rows of this model, in order of time. A row from which a user's row takes the middle is there twice.
    pub fn rows(&self) -> impl Iterator<Item = &'a Row> {
        let group = self.own.or(self.maker);
        group.into_iter().flat_map(|group| &group.segments).map(|segment| &segment.entry.row)
    }

    fn terms(&self, unix_nano: u64, modifiers: Modifiers) -> Option<Terms<'a>> {
        let (entry, valid) = self.row_at(unix_nano)?;
        let key = self.own.or(self.maker).map_or(self.model, |group| &group.key);
        let (agreed, valid) =
            discount::at(&self.book.discounts, self.provider, self.model, key, unix_nano, valid);
        let (service, priority) = service(entry, self.fast, modifiers);
        let place = self.place(entry, modifiers);
        Some(Terms { entry, valid, service, place, priority, agreed })
    }

    /// The seller's own row; where it has none at that moment, the maker's.
    fn row_at(&self, unix_nano: u64) -> Option<(&'a Entry, Range<u64>)> {
        let gap = match self.own.map(|own| own.at(unix_nano)) {
            Some(Ok(found)) => return Some(found),
            Some(Err(gap)) => gap,
            None => 0..u64::MAX,
        };
        let (entry, valid) = self.maker?.at(unix_nano).ok()?;
        Some((entry, valid.start.max(gap.start)..valid.end.min(gap.end)))
    }

    /// The factor of the place. That of regions and that of residency exclude each other: one is of clouds, the
    /// other of the maker.
    fn place(&self, entry: &Entry, modifiers: Modifiers) -> Option<Factor> {
        let is_regional = match self.geography {
            Geography::Regional => true,
            Geography::Global | Geography::GovCloud => false,
            Geography::Unstated => modifiers.regional || self.assumed_regional,
        };
        let has_regions = !matches!(self.provider, "anthropic" | "google");
        let is_cloud = seller::CLOUDS.contains(&self.provider);
        let named = |name, value: Option<u64>| value.map(|parts| Factor { name, parts_per_10_000: parts });
        if self.geography == Geography::GovCloud {
            named("GovCloud", entry.govcloud.or(entry.regional))
        } else if is_regional && has_regions {
            named("regional endpoint", entry.regional)
        } else if modifiers.residency_us && !is_cloud {
            named("US residency", entry.residency_us)
        } else {
            None
        }
    }
}

/// The factor of the way of processing, and whether the row's prices for priority are used. They exclude each other.
fn service(entry: &Entry, fast_name: bool, modifiers: Modifiers) -> (Option<Factor>, bool) {
    let named = |name, value: Option<u64>| value.map(|parts| Factor { name, parts_per_10_000: parts });
    let factor = if modifiers.fast || fast_name {
        named("fast mode", entry.fast)
    } else if modifiers.batch {
        named("batch", entry.batch)
    } else if modifiers.flex {
        named("flex", entry.flex)
    } else {
        return (None, modifiers.priority && entry.priority.is_some());
    };
    (factor, false)
}

impl<'a> Terms<'a> {
    fn sheet(&self, long_context: bool) -> &'a Sheet {
        let ordinary = &self.entry.ordinary;
        match (long_context, self.priority) {
            (false, false) => ordinary,
            (false, true) => self.entry.priority.as_ref().unwrap_or(ordinary),
            (true, false) => self.entry.long_context.as_ref().map_or(ordinary, |(_, sheet)| sheet),
            (true, true) => self.entry.long_priority.as_ref().unwrap_or(ordinary),
        }
    }

    fn list(&self) -> Multiplier {
        let factors = self.service.iter().chain(&self.place);
        factors.fold(Multiplier::ONE, |product, factor| product.times(factor.parts_per_10_000))
    }

    fn paid(&self) -> Multiplier {
        self.agreed.map_or(self.list(), |agreed| self.list().times(agreed.left))
    }

    /// A cliff: the whole input decides, and then every token is priced by the upper prices.
    fn answer(&self, tokens: &Tokens, web_searches: u64) -> Answer<'a> {
        let long_context = self.entry.long_context.is_some_and(|(above, _)| tokens.whole_input() > above);
        let sheet = self.sheet(long_context);
        let (list, paid) = (self.list(), self.paid());
        let discount = self.agreed.map_or(Multiplier::ONE, |agreed| Multiplier::ONE.times(agreed.left));
        // Factors are of tokens; a search costs the same in every mode and place.
        let per_search = self.entry.web_search.unwrap_or(0);
        let amounts = |multiplier: Multiplier, of_searches: Multiplier| Amounts {
            tokens: Class::ALL.map(|class| multiplier.of(tokens.0[class as usize], price(sheet, class))),
            web_searches: of_searches.of(web_searches, per_search),
        };
        Answer {
            row: &self.entry.row,
            long_context,
            amounts: amounts(paid, discount),
            list: amounts(list, Multiplier::ONE),
            savings: paid.of(tokens.0[Class::CacheRead as usize], saved(sheet)),
            unpriced_web_searches: if self.entry.web_search.is_none() { web_searches } else { 0 },
        }
    }
}

fn price(sheet: &Sheet, class: Class) -> PicoUsd {
    PicoUsd::from(sheet[class as usize])
}

/// What one token costs less read from a cache than as input; 0 where reading is dearer.
fn saved(sheet: &Sheet) -> PicoUsd {
    (price(sheet, Class::Input) - price(sheet, Class::CacheRead)).max(0)
}
