//! The C boundary of the Tokenledger engine. All unsafe code of the project is in this crate:
//! here for engines, in [`prices`] for price tables.
//!
//! Conventions: a handle is the first parameter and opaque; inputs come before outputs; a run of
//! bytes is a pointer and a length; input memory is only read during the call; output views point
//! into memory of their handle and are valid until its next use; output parameters are written only
//! where the status is `Ok`. An engine may be used by several threads at once, a result or a tick by
//! one at a time. No panic leaves the library. Header and archive belong together: there is no ABI
//! compatibility between versions, and [`tl_content_digest`] tells whether they match.

pub mod flat;
pub mod layout;
pub mod prices;

mod drill;
mod handle;
mod panic;
mod status;
mod views;

use tokenledger::ledger::Opening;
use tokenledger::{Now, Stats};

pub use handle::{EngineHandle, ResultHandle, TickHandle};
pub use status::{Error, MESSAGE_BYTES, Status};
pub use views::{AbiSizes, BatchView, PayloadView, TextView, TickView};

use handle::live_engines;
use status::Failure;

/// Random bytes that [`tl_engine_create`] wants.
pub const SECRET_BYTES: usize = 192;
const _: () = assert!(SECRET_BYTES == tokenledger::identity::SECRET_BYTES);

/// Digest of the sources that this library was built from: a string that ends with a zero and lives
/// as long as the process. `unset` in a build that was not made by `make lib`.
#[unsafe(no_mangle)]
pub extern "C" fn tl_content_digest() -> *const std::ffi::c_char {
    concat!(env!("TL_CONTENT_DIGEST"), "\0").as_ptr().cast()
}

/// Fills in the sizes of all structs that cross the boundary.
///
/// # Safety
/// `sizes` is null or points to writable memory for an `AbiSizes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_abi_sizes(sizes: *mut AbiSizes) {
    // SAFETY: null is handled; otherwise the caller's contract says that it is writable.
    let Some(sizes) = (unsafe { sizes.as_mut() }) else {
        return;
    };
    *sizes = AbiSizes::of_this_library();
}

/// Engines alive in this process, for leak tests.
#[unsafe(no_mangle)]
pub extern "C" fn tl_live_engines() -> u64 {
    live_engines()
}

/// Makes an engine from a JSON configuration and [`SECRET_BYTES`] random bytes, which make identities
/// unpredictable. `storage` is JSON with the fields of `tokenledger_storage::Settings`: the engine goes on
/// where the ledger in that place ended, and `opening` says what was found. Empty: without a ledger. Free
/// the engine with [`tl_engine_destroy`], which gives the ledger free too.
///
/// # Safety
/// `config` points to `config_bytes` readable bytes, `storage` to `storage_bytes` and `secret` to
/// `secret_bytes` of them; `engine` to writable memory for a pointer, `opening` for an `Opening`; `error` is
/// null or points to writable memory for an `Error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_create(
    config: *const u8,
    config_bytes: usize,
    storage: *const u8,
    storage_bytes: usize,
    secret: *const u8,
    secret_bytes: usize,
    wall_unix_nano: u64,
    monotonic_nano: u64,
    engine: *mut *mut EngineHandle,
    opening: *mut Opening,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract, repeated for each parameter above.
    let (config, storage, secret) =
        unsafe { (bytes(config, config_bytes), bytes(storage, storage_bytes), bytes(secret, secret_bytes)) };
    // SAFETY: as above.
    let (engine, opening, error) = unsafe { (engine.as_mut(), opening.as_mut(), error.as_mut()) };
    answer(error, || {
        let (config, storage) = (config.ok_or_else(null)?, storage.ok_or_else(null)?);
        let secret = secret.ok_or_else(null)?;
        let (engine, opening) = (engine.ok_or_else(null)?, opening.ok_or_else(null)?);
        let now = Now { wall_unix_nano, monotonic_nano };
        let made = panic::contain(|| EngineHandle::create(config, storage, secret, now));
        let (made, found) = made.map_err(|message| Failure::new(Status::Poisoned, message))??;
        *opening = found;
        *engine = Box::into_raw(Box::new(made));
        Ok(())
    })
}

/// One warning about the place where the ledger is (a network file system, for example), counted from 0;
/// false if there is none of that number.
///
/// # Safety
/// `engine` is a live handle; `view` points to writable memory for a `TextView`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_warning(
    engine: *const EngineHandle,
    number: u64,
    view: *mut TextView,
) -> bool {
    // SAFETY: the caller's contract.
    let (engine, view) = unsafe { (engine.as_ref(), view.as_mut()) };
    let text = engine.and_then(|engine| engine.warnings().get(usize::try_from(number).ok()?));
    let (Some(text), Some(view)) = (text, view) else {
        return false;
    };
    *view = TextView { text: pointer(text.as_bytes()), text_bytes: text.len() as u64 };
    true
}

/// Ends an engine; null is fine.
///
/// # Safety
/// `engine` is null or comes from [`tl_engine_create`], is not used by any other thread and not
/// used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_destroy(engine: *mut EngineHandle) {
    // SAFETY: the pointer came out of Box::into_raw and nobody else has it any more.
    unsafe { destroy(engine) };
}

/// Makes an empty result handle. Free it with [`tl_result_destroy`].
#[unsafe(no_mangle)]
pub extern "C" fn tl_result_create() -> *mut ResultHandle {
    Box::into_raw(Box::default())
}

/// Ends a result handle; null is fine.
///
/// # Safety
/// As [`tl_engine_destroy`], with [`tl_result_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_result_destroy(result: *mut ResultHandle) {
    // SAFETY: the pointer came out of Box::into_raw and nobody else has it any more.
    unsafe { destroy(result) };
}

/// Makes an empty tick handle. Free it with [`tl_tick_destroy`].
#[unsafe(no_mangle)]
pub extern "C" fn tl_tick_create() -> *mut TickHandle {
    Box::into_raw(Box::default())
}

/// Ends a tick handle; null is fine.
///
/// # Safety
/// As [`tl_engine_destroy`], with [`tl_tick_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_tick_destroy(tick: *mut TickHandle) {
    // SAFETY: the pointer came out of Box::into_raw and nobody else has it any more.
    unsafe { destroy(tick) };
}

/// Takes a flat buffer (layout in `layout.rs`) in and answers every point of it. While what was taken in
/// before cannot be written the answer is `Storage`, or one of its kind, and nothing is taken in.
///
/// # Safety
/// `engine` and `result` are live handles, `result` used by no other thread; `buffer` points to
/// `buffer_bytes` readable bytes; `view` to writable memory for a `BatchView`; `error` as in
/// [`tl_engine_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_consume(
    engine: *const EngineHandle,
    buffer: *const u8,
    buffer_bytes: usize,
    result: *mut ResultHandle,
    view: *mut BatchView,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract, repeated for each parameter above.
    let (engine, buffer, result, view, error) = unsafe {
        (engine.as_ref(), bytes(buffer, buffer_bytes), result.as_mut(), view.as_mut(), error.as_mut())
    };
    answer(error, || {
        let (engine, buffer) = (engine.ok_or_else(null)?, buffer.ok_or_else(null)?);
        let (result, view) = (result.ok_or_else(null)?, view.ok_or_else(null)?);
        engine.consume(buffer, result)?;
        let answers = &result.result;
        *view = BatchView {
            verdicts: pointer(&answers.verdicts),
            verdict_count: answers.verdicts.len() as u64,
            added: pointer(&answers.added),
            added_count: answers.added.len() as u64,
            point_edits: pointer(&answers.point_edits),
            point_edit_count: answers.point_edits.len() as u64,
            resource_edits: pointer(&answers.resource_edits),
            resource_edit_count: answers.resource_edits.len() as u64,
            words: pointer(&answers.words),
            word_count: answers.words.len() as u64,
            outcomes: answers.outcomes,
            ticket: answers.ticket,
            scratch_bytes: answers.bytes() as u64,
        };
        Ok(())
    })
}

/// Returns when everything up to `ticket` ([`BatchView::ticket`]) is in the ledger; the answer for one ticket is
/// that for all before it. `Storage` or one of its kind: the batch is in the totals, but not in the ledger. It
/// must be neither passed on nor acknowledged; its sender repeats it, and it is recognised then (D3).
///
/// # Safety
/// `engine` is a live handle; `error` as in [`tl_engine_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_settle(
    engine: *const EngineHandle,
    ticket: u64,
    wall_unix_nano: u64,
    monotonic_nano: u64,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract.
    let (engine, error) = unsafe { (engine.as_ref(), error.as_mut()) };
    answer(error, || engine.ok_or_else(null)?.settle(ticket, Now { wall_unix_nano, monotonic_nano }))
}

/// Background work of the ledger: snapshots, usage, small files. Called about once a second, by one thread at a
/// time beside all others, and with `last` = 1 after the last tick. May take long.
///
/// # Safety
/// As [`tl_engine_settle`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_maintain(
    engine: *const EngineHandle,
    wall_unix_nano: u64,
    monotonic_nano: u64,
    last: u8,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract.
    let (engine, error) = unsafe { (engine.as_ref(), error.as_mut()) };
    answer(error, || engine.ok_or_else(null)?.maintain(Now { wall_unix_nano, monotonic_nano }, last != 0))
}

/// The next consumer refused the batch that `result` answered (L4).
///
/// # Safety
/// As [`tl_engine_consume`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_refused(
    engine: *const EngineHandle,
    result: *const ResultHandle,
    wall_unix_nano: u64,
    monotonic_nano: u64,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract.
    let (engine, result, error) = unsafe { (engine.as_ref(), result.as_ref(), error.as_mut()) };
    answer(error, || {
        let now = Now { wall_unix_nano, monotonic_nano };
        engine.ok_or_else(null)?.refused(result.ok_or_else(null)?, now)
    })
}

/// Collects the next chunk of what is due; call until `done`. `last` = 1 at Shutdown (L5). With `Storage` or one
/// of its kind nothing goes out: what is due is not in the ledger yet. A later tick brings it.
///
/// # Safety
/// `engine` and `tick` are live handles, `tick` used by no other thread; `view` points to writable
/// memory for a `TickView`; `error` as in [`tl_engine_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_tick(
    engine: *const EngineHandle,
    tick: *mut TickHandle,
    wall_unix_nano: u64,
    monotonic_nano: u64,
    last: u8,
    view: *mut TickView,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract.
    let (engine, tick, view, error) =
        unsafe { (engine.as_ref(), tick.as_mut(), view.as_mut(), error.as_mut()) };
    answer(error, || {
        let (engine, tick, view) = (engine.ok_or_else(null)?, tick.ok_or_else(null)?, view.ok_or_else(null)?);
        engine.tick(Now { wall_unix_nano, monotonic_nano }, last != 0, tick)?;
        *view = TickView { payload_count: tick.payloads.len() as u64, done: u8::from(tick.is_done()) };
        Ok(())
    })
}

/// One payload of the tick's current chunk, counted from 0; false if there is none of that number.
///
/// # Safety
/// `tick` is a live handle used by no other thread; `view` points to writable memory for a
/// `PayloadView`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_tick_payload(
    tick: *const TickHandle,
    number: u64,
    view: *mut PayloadView,
) -> bool {
    // SAFETY: the caller's contract.
    let (tick, view) = unsafe { (tick.as_ref(), view.as_mut()) };
    let payload = tick.and_then(|tick| tick.payloads.get(usize::try_from(number).ok()?));
    let (Some(payload), Some(view)) = (payload, view) else {
        return false;
    };
    *view = PayloadView {
        metadata: pointer(&payload.metadata),
        metadata_bytes: payload.metadata.len() as u64,
        request: pointer(&payload.request),
        request_bytes: payload.request.len() as u64,
    };
    true
}

/// The next consumer refused one payload of the tick's current chunk, counted from 0 (L4).
///
/// # Safety
/// As [`tl_engine_tick`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_tick_refused(
    engine: *const EngineHandle,
    tick: *const TickHandle,
    payload: u64,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract.
    let (engine, tick, error) = unsafe { (engine.as_ref(), tick.as_ref(), error.as_mut()) };
    answer(error, || engine.ok_or_else(null)?.tick_refused(tick.ok_or_else(null)?, payload))
}

/// What the engine holds.
///
/// # Safety
/// `engine` is a live handle; `stats` points to writable memory for a `Stats`; `error` as in
/// [`tl_engine_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_stats(
    engine: *const EngineHandle,
    stats: *mut Stats,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract.
    let (engine, stats, error) = unsafe { (engine.as_ref(), stats.as_mut(), error.as_mut()) };
    answer(error, || {
        *stats.ok_or_else(null)? = engine.ok_or_else(null)?.stats()?;
        Ok(())
    })
}

/// Whether some rule removes the attribute `key` from points of the metric `name` (T1): for exemplars,
/// whose own attributes do not cross the boundary (D10). False for null pointers.
///
/// # Safety
/// `engine` is a live handle; `name` points to `name_bytes` readable bytes, `key` to `key_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_removes_attribute(
    engine: *const EngineHandle,
    name: *const u8,
    name_bytes: usize,
    key: *const u8,
    key_bytes: usize,
) -> bool {
    // SAFETY: the caller's contract, repeated for each parameter above.
    let (engine, name, key) = unsafe { (engine.as_ref(), bytes(name, name_bytes), bytes(key, key_bytes)) };
    match (engine, name, key) {
        (Some(engine), Some(name), Some(key)) => engine.removes_attribute(name, key),
        _ => false,
    }
}

/// A drill: the engine's next call panics inside, to show that the caller survives it.
///
/// # Safety
/// `engine` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_inject_panic(engine: *const EngineHandle) {
    // SAFETY: the caller's contract.
    if let Some(engine) = unsafe { engine.as_ref() } {
        engine.panic_at_next_call();
    }
}

/// A drill: from now on the engine's ledger cannot be written, as if the disk were full; with `full` = 0 it can
/// be again. Without effect on an engine without a ledger.
///
/// # Safety
/// `engine` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_inject_full_disk(engine: *const EngineHandle, full: u8) {
    // SAFETY: the caller's contract.
    if let Some(engine) = unsafe { engine.as_ref() } {
        engine.fill_disk(full != 0);
    }
}

fn answer(error: Option<&mut Error>, body: impl FnOnce() -> Result<(), Failure>) -> Status {
    match body() {
        Ok(()) => Status::Ok,
        Err(failure) => failure.report(error),
    }
}

fn null() -> Failure {
    Failure::new(Status::InvalidArgument, "a required pointer is null or a length is impossible")
}

/// A pointer for C: null for an empty run, never Rust's dangling one, which Go's checker dislikes.
fn pointer<T>(run: &[T]) -> *const T {
    if run.is_empty() { std::ptr::null() } else { run.as_ptr() }
}

/// The bytes of a caller's run; `None` where a null pointer comes with a length or the length
/// cannot be one of a Rust slice.
///
/// # Safety
/// `pointer` is null or points to `length` bytes that stay readable and unchanged during the call.
unsafe fn bytes<'a>(pointer: *const u8, length: usize) -> Option<&'a [u8]> {
    if length == 0 {
        return Some(&[]);
    }
    if pointer.is_null() || isize::try_from(length).is_err() {
        return None;
    }
    // SAFETY: not null, length within isize, and readable by the caller's contract.
    Some(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// # Safety
/// `handle` is null or came out of `Box::into_raw` and is not used again.
unsafe fn destroy<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: by contract this is the sole owner. A panic in a destructor must not leave either.
        let owned = unsafe { Box::from_raw(handle) };
        let _ = panic::contain(move || drop(owned));
    }
}
