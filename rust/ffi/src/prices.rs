//! Price tables across the C boundary: made from a user's file, asked for the cost of one request, given to
//! engines.

use std::sync::Arc;

use tokenledger_prices::{Amounts, Class, Modifiers, PicoUsd, Prices, Tokens};

use crate::handle::EngineHandle;
use crate::panic::contain;
use crate::status::{Error, Failure, Status};
use crate::views::TextView;
use crate::{answer, bytes, destroy, null, pointer};

/// A price table; immutable, so several threads may use it at once.
#[derive(Debug)]
pub struct PricesHandle {
    pub(crate) prices: Arc<Prices>,
}

/// Token classes of [`PriceRequest::tokens`] and [`PriceAnswer::tokens_pico`]: input, output, cache reads, cache
/// writes for five minutes and for an hour, reasoning. They exclude each other.
pub const TOKEN_CLASSES: usize = 6;
const _: () = assert!(TOKEN_CLASSES == Class::COUNT);

/// Bits of [`PriceRequest::modifiers`].
pub const PRICE_FAST: u32 = 1;
/// Batch processing.
pub const PRICE_BATCH: u32 = 2;
/// Flex processing.
pub const PRICE_FLEX: u32 = 4;
/// Priority processing.
pub const PRICE_PRIORITY: u32 = 8;
/// Data residency in the United States.
pub const PRICE_RESIDENCY_US: u32 = 16;
/// A regional endpoint.
pub const PRICE_REGIONAL: u32 = 32;

/// One request to a model.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PriceRequest {
    /// Tokens by class.
    pub tokens: [u64; TOKEN_CLASSES],
    /// Searches of the web.
    pub web_searches: u64,
    /// When it was made, Unix nanoseconds: decides on the row.
    pub unix_nano: u64,
    /// The bits above.
    pub modifiers: u32,
    /// Zero.
    pub reserved: u32,
}

/// What a request cost, in 10⁻¹² dollars; amounts stop at the ends of 64 bits.
#[derive(Debug)]
#[repr(C)]
pub struct PriceAnswer {
    /// After discounts, by class.
    pub tokens_pico: [i64; TOKEN_CLASSES],
    /// Searches of the web, after discounts.
    pub web_searches_pico: i64,
    /// The sum of the above.
    pub total_pico: i64,
    /// The same at list price.
    pub list_pico: i64,
    /// What reading from caches saved.
    pub savings_pico: i64,
    /// Who sells, and the model as the table names it; inside the memory of the price table.
    pub provider: TextView,
    /// See `provider`.
    pub model: TextView,
    /// 1 if a price is known; else nothing above means anything.
    pub known: u8,
    /// 1 if the request was billed at long-context prices.
    pub long_context: u8,
}

/// Makes a price table from the built-in one and a user's file (TOML; empty: none). `Configuration` says what is
/// wrong with the file. Free it with [`tl_prices_destroy`].
///
/// # Safety
/// `file` points to `file_bytes` readable bytes; `prices` to writable memory for a pointer; `error` is null or
/// points to writable memory for an `Error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_prices_create(
    file: *const u8,
    file_bytes: usize,
    prices: *mut *mut PricesHandle,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract, repeated for each parameter above.
    let (file, prices, error) = unsafe { (bytes(file, file_bytes), prices.as_mut(), error.as_mut()) };
    answer(error, || {
        let (file, prices) = (file.ok_or_else(null)?, prices.ok_or_else(null)?);
        let made = contain(|| PricesHandle::create(file));
        let made = made.map_err(|message| Failure::new(Status::Poisoned, message))??;
        *prices = Box::into_raw(Box::new(made));
        Ok(())
    })
}

/// Ends a price table; null is fine. Engines that use it go on with it.
///
/// # Safety
/// `prices` is null or comes from [`tl_prices_create`], is not used by any other thread and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_prices_destroy(prices: *mut PricesHandle) {
    // SAFETY: the pointer came out of Box::into_raw and nobody else has it any more.
    unsafe { destroy(prices) };
}

/// Names the table: its version, and the user's file where there is one. False for null pointers.
///
/// # Safety
/// `prices` is a live handle; `view` points to writable memory for a `TextView`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_prices_version(prices: *const PricesHandle, view: *mut TextView) -> bool {
    // SAFETY: the caller's contract.
    let (Some(prices), Some(view)) = (unsafe { prices.as_ref() }, unsafe { view.as_mut() }) else {
        return false;
    };
    *view = text(prices.prices.version());
    true
}

/// The user's currency: its code, and units of it per dollar. False if there is none.
///
/// # Safety
/// `prices` is a live handle; `code` points to writable memory for a `TextView`, `per_usd` for a double.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_prices_currency(
    prices: *const PricesHandle,
    code: *mut TextView,
    per_usd: *mut f64,
) -> bool {
    // SAFETY: the caller's contract.
    let (prices, code, per_usd) = unsafe { (prices.as_ref(), code.as_mut(), per_usd.as_mut()) };
    let currency = prices.and_then(|handle| handle.prices.currency());
    let (Some(currency), Some(code), Some(per_usd)) = (currency, code, per_usd) else {
        return false;
    };
    *code = text(&currency.code);
    *per_usd = currency.per_usd;
    true
}

/// What one request cost. `provider` is what the client says of who serves the model; empty if it does not.
///
/// # Safety
/// `prices` is a live handle; `model` points to `model_bytes` readable bytes, `provider` to `provider_bytes`;
/// `request` to a `PriceRequest`; `found` to writable memory for a `PriceAnswer`; `error` as in
/// [`tl_prices_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_prices_request(
    prices: *const PricesHandle,
    model: *const u8,
    model_bytes: usize,
    provider: *const u8,
    provider_bytes: usize,
    request: *const PriceRequest,
    found: *mut PriceAnswer,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract, repeated for each parameter above.
    let (prices, model, provider) =
        unsafe { (prices.as_ref(), bytes(model, model_bytes), bytes(provider, provider_bytes)) };
    // SAFETY: as above.
    let (request, found, error) = unsafe { (request.as_ref(), found.as_mut(), error.as_mut()) };
    answer(error, || {
        let (model, provider) = (model.ok_or_else(null)?, provider.ok_or_else(null)?);
        let (prices, request) = (prices.ok_or_else(null)?, request.ok_or_else(null)?);
        let found = found.ok_or_else(null)?;
        let priced = contain(|| prices.price(model, provider, request));
        *found = priced.map_err(|message| Failure::new(Status::Poisoned, message))?;
        Ok(())
    })
}

/// The engine computes costs from this table from now on, where its configuration says so. The handle may be
/// freed afterwards.
///
/// # Safety
/// `engine` and `prices` are live handles; `error` as in [`tl_prices_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_set_prices(
    engine: *const EngineHandle,
    prices: *const PricesHandle,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract.
    let (engine, prices, error) = unsafe { (engine.as_ref(), prices.as_ref(), error.as_mut()) };
    answer(error, || {
        let prices = Arc::clone(&prices.ok_or_else(null)?.prices);
        engine.ok_or_else(null)?.set_prices(prices)
    })
}

impl PricesHandle {
    fn create(file: &[u8]) -> Result<Self, Failure> {
        let unusable = |message: String| Failure::new(Status::Configuration, message);
        let file = std::str::from_utf8(file)
            .map_err(|error| unusable(format!("the price file is not UTF-8 text: {error}")))?;
        let prices = Prices::with_user_file(file).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { prices: Arc::new(prices) })
    }

    fn price(&self, model: &[u8], provider: &[u8], request: &PriceRequest) -> PriceAnswer {
        let (model, provider) = (String::from_utf8_lossy(model), String::from_utf8_lossy(provider));
        let has = |bit| request.modifiers & bit != 0;
        let modifiers = Modifiers {
            fast: has(PRICE_FAST),
            batch: has(PRICE_BATCH),
            flex: has(PRICE_FLEX),
            priority: has(PRICE_PRIORITY),
            residency_us: has(PRICE_RESIDENCY_US),
            regional: has(PRICE_REGIONAL),
        };
        let found = self.prices.find(&model, &provider);
        let answer = found.as_ref().and_then(|found| {
            found.price(&Tokens(request.tokens), request.web_searches, request.unix_nano, modifiers)
        });
        let (Some(found), Some(answer)) = (&found, answer) else { return PriceAnswer::unknown() };
        let Amounts { tokens, web_searches } = answer.amounts;
        PriceAnswer {
            tokens_pico: tokens.map(bounded),
            web_searches_pico: bounded(web_searches),
            total_pico: bounded(answer.amounts.total()),
            list_pico: bounded(answer.list.total()),
            savings_pico: bounded(answer.savings),
            provider: text(found.provider),
            model: text(found.model),
            known: 1,
            long_context: u8::from(answer.long_context),
        }
    }
}

impl PriceAnswer {
    fn unknown() -> Self {
        Self {
            tokens_pico: [0; TOKEN_CLASSES],
            web_searches_pico: 0,
            total_pico: 0,
            list_pico: 0,
            savings_pico: 0,
            provider: text(""),
            model: text(""),
            known: 0,
            long_context: 0,
        }
    }
}

fn bounded(pico: PicoUsd) -> i64 {
    i64::try_from(pico).unwrap_or(if pico < 0 { i64::MIN } else { i64::MAX })
}

fn text(text: &str) -> TextView {
    TextView { text: pointer(text.as_bytes()), text_bytes: text.len() as u64 }
}
