//! The C boundary of the Tokenledger engine. All unsafe code of the project is in this crate, in
//! this file.
//!
//! Conventions: a handle is the first parameter and opaque; inputs come before outputs; a run of
//! bytes is a pointer and a length; input memory is only read during the call; output views point
//! into memory of their handle and are valid until its next use; output parameters are written only
//! where the status is `Ok`. An engine may be used by several threads at once, a result or a tick by
//! one at a time. No panic leaves the library. Header and archive belong together: there is no ABI
//! compatibility between versions, and [`tl_content_digest`] tells whether they match.

pub mod flat;
pub mod layout;

mod handle;
mod panic;
mod status;

use tokenledger::{AddedPoint, AttributeEdit, Now, Outcomes, Stats, Verdict};

pub use handle::{EngineHandle, ResultHandle, TickHandle};
pub use status::{Error, MESSAGE_BYTES, Status};

use handle::live_engines;
use layout::{BatchHeader, MetricRecord, PointRecord, ResourceRecord, ScopeRecord};
use status::Failure;

/// Random bytes that [`tl_engine_create`] wants.
pub const SECRET_BYTES: usize = 192;
const _: () = assert!(SECRET_BYTES == tokenledger::identity::SECRET_BYTES);

/// The answers to one batch, inside the memory of its result handle.
#[derive(Debug)]
#[repr(C)]
pub struct BatchView {
    /// One verdict per point record, in order; null if there are none.
    pub verdicts: *const Verdict,
    /// Number of verdicts.
    pub verdict_count: u64,
    /// Points to add; null if there are none.
    pub added: *const AddedPoint,
    /// Number of points to add.
    pub added_count: u64,
    /// Attributes of points to remove or replace beyond the verdicts' bits, sorted; null if there are none.
    pub point_edits: *const AttributeEdit,
    /// Number of those.
    pub point_edit_count: u64,
    /// Attributes of resources to remove, sorted; null if there are none.
    pub resource_edits: *const AttributeEdit,
    /// Number of those.
    pub resource_edit_count: u64,
    /// Distribution words that verdicts of histogram points name; null if there are none.
    pub words: *const u64,
    /// Number of words.
    pub word_count: u64,
    /// What became of the points.
    pub outcomes: Outcomes,
    /// Memory that the result handle holds; a caller that keeps handles frees large ones.
    pub scratch_bytes: u64,
}

/// One payload of a tick.
#[derive(Debug)]
#[repr(C)]
pub struct PayloadView {
    /// Client metadata as attribute records; null if there is none.
    pub metadata: *const u8,
    /// Bytes of metadata.
    pub metadata_bytes: u64,
    /// An OTLP `ExportMetricsServiceRequest`; null if it is empty.
    pub request: *const u8,
    /// Bytes of the request.
    pub request_bytes: u64,
}

/// The current chunk of a tick, inside the memory of its tick handle.
#[derive(Debug)]
#[repr(C)]
pub struct TickView {
    /// Number of payloads; read each with [`tl_tick_payload`].
    pub payload_count: u64,
    /// 1 if this is the last chunk, else 0.
    pub done: u8,
}

/// Sizes as this library was compiled with them; the caller compares them with its own at start.
#[derive(Debug)]
#[repr(C)]
pub struct AbiSizes {
    /// [`layout::LAYOUT_VERSION`].
    pub layout_version: u32,
    /// Bytes of a batch header.
    pub batch_header: u32,
    /// Bytes of a resource record.
    pub resource_record: u32,
    /// Bytes of a scope record.
    pub scope_record: u32,
    /// Bytes of a metric record.
    pub metric_record: u32,
    /// Bytes of a point record.
    pub point_record: u32,
    /// Bytes of a verdict.
    pub verdict: u32,
    /// Bytes of an added point.
    pub added_point: u32,
    /// Bytes of an attribute edit.
    pub attribute_edit: u32,
    /// Bytes of a batch view.
    pub batch_view: u32,
    /// Bytes of the stats.
    pub stats: u32,
    /// Bytes of an error.
    pub error: u32,
}

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
    *sizes = AbiSizes {
        layout_version: layout::LAYOUT_VERSION,
        batch_header: size_of::<BatchHeader>() as u32,
        resource_record: size_of::<ResourceRecord>() as u32,
        scope_record: size_of::<ScopeRecord>() as u32,
        metric_record: size_of::<MetricRecord>() as u32,
        point_record: size_of::<PointRecord>() as u32,
        verdict: size_of::<Verdict>() as u32,
        added_point: size_of::<AddedPoint>() as u32,
        attribute_edit: size_of::<AttributeEdit>() as u32,
        batch_view: size_of::<BatchView>() as u32,
        stats: size_of::<Stats>() as u32,
        error: size_of::<Error>() as u32,
    };
}

/// Engines alive in this process, for leak tests.
#[unsafe(no_mangle)]
pub extern "C" fn tl_live_engines() -> u64 {
    live_engines()
}

/// Makes an engine from a JSON configuration and [`SECRET_BYTES`] random bytes, which make identities
/// unpredictable. Free it with [`tl_engine_destroy`].
///
/// # Safety
/// `config` points to `config_bytes` readable bytes, `secret` to `secret_bytes` of them; `engine` to writable memory for a pointer;
/// `error` is null or points to writable memory for an `Error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_engine_create(
    config: *const u8,
    config_bytes: usize,
    secret: *const u8,
    secret_bytes: usize,
    wall_unix_nano: u64,
    monotonic_nano: u64,
    engine: *mut *mut EngineHandle,
    error: *mut Error,
) -> Status {
    // SAFETY: the caller's contract, repeated for each parameter above.
    let (config, secret, engine, error) = unsafe {
        (bytes(config, config_bytes), bytes(secret, secret_bytes), engine.as_mut(), error.as_mut())
    };
    answer(error, || {
        let (config, secret) = (config.ok_or_else(null)?, secret.ok_or_else(null)?);
        let engine = engine.ok_or_else(null)?;
        let now = Now { wall_unix_nano, monotonic_nano };
        let made = panic::contain(|| EngineHandle::create(config, secret, now));
        let made = made.map_err(|message| Failure::new(Status::Poisoned, message))??;
        *engine = Box::into_raw(Box::new(made));
        Ok(())
    })
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

/// Takes a flat buffer (layout in `layout.rs`) in and answers every point of it.
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
            scratch_bytes: answers.bytes() as u64,
        };
        Ok(())
    })
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

/// Collects the next chunk of what is due; call until `done`. `last` = 1 at Shutdown (L5).
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
