//! A caller of the exported functions.

use std::ptr::{null, null_mut};

use tokenledger::ledger::Opening;
use tokenledger::{AttributeEdit, Now, Verdict};
use tokenledger_ffi::*;

use super::{BEGAN, SECOND};

pub const CONFIG: &str = r#"{"max_stale_nano": 86400000000000, "max_lag_nano": 300000000000,
    "first_value_delay_nano": 0, "emit": "each", "retransmissions": "recognise", "max_streams": 100}"#;

pub const SECRET: [u8; SECRET_BYTES] = [7; SECRET_BYTES];

fn error() -> Error {
    Error { offset: 0, length: 0, fresh: 0, message: [0; MESSAGE_BYTES] }
}

pub fn text(error: &Error) -> &str {
    std::str::from_utf8(&error.message[..error.length as usize]).unwrap()
}

/// Handles of one engine, freed together.
pub struct Client {
    pub engine: *mut EngineHandle,
    pub result: *mut ResultHandle,
    pub view: BatchView,
    pub error: Error,
    /// What was found in the ledger, if there is one.
    pub opening: Opening,
}

impl Client {
    /// An engine without a ledger.
    pub fn new(config: &str) -> Result<Self, (Status, String)> {
        Self::open(config, "", 0)
    }

    /// An engine with the ledger that `storage` names, opened so many seconds after [`BEGAN`].
    pub fn open(config: &str, storage: &str, second: u64) -> Result<Self, (Status, String)> {
        let (mut engine, mut error, mut opening) = (null_mut(), error(), Opening::default());
        let now = now(second);
        // SAFETY: all pointers are to live values of this function.
        let status = unsafe {
            tl_engine_create(
                config.as_ptr(),
                config.len(),
                storage.as_ptr(),
                storage.len(),
                SECRET.as_ptr(),
                SECRET.len(),
                now.wall_unix_nano,
                now.monotonic_nano,
                &mut engine,
                &mut opening,
                &mut error,
            )
        };
        if status != Status::Ok {
            return Err((status, text(&error).to_owned()));
        }
        let view = BatchView {
            verdicts: null(),
            verdict_count: 0,
            added: null(),
            added_count: 0,
            point_edits: null(),
            point_edit_count: 0,
            resource_edits: null(),
            resource_edit_count: 0,
            words: null(),
            word_count: 0,
            outcomes: Default::default(),
            ticket: 0,
            scratch_bytes: 0,
        };
        Ok(Self { engine, result: tl_result_create(), view, error, opening })
    }

    pub fn consume(&mut self, buffer: &[u8]) -> Status {
        // SAFETY: the handles are live, the view and error are this value's own.
        unsafe {
            tl_engine_consume(
                self.engine,
                buffer.as_ptr(),
                buffer.len(),
                self.result,
                &mut self.view,
                &mut self.error,
            )
        }
    }

    /// Waits until the last batch is in the ledger.
    pub fn settle(&mut self, second: u64) -> Status {
        let now = now(second);
        // SAFETY: a live handle, the error is this value's own.
        unsafe {
            tl_engine_settle(
                self.engine,
                self.view.ticket,
                now.wall_unix_nano,
                now.monotonic_nano,
                &mut self.error,
            )
        }
    }

    pub fn maintain(&mut self, second: u64, last: bool) -> Status {
        let now = now(second);
        // SAFETY: a live handle, the error is this value's own.
        unsafe {
            tl_engine_maintain(
                self.engine,
                now.wall_unix_nano,
                now.monotonic_nano,
                u8::from(last),
                &mut self.error,
            )
        }
    }

    /// From now on the ledger cannot be written, or it can be again.
    pub fn fill_disk(&self, full: bool) {
        // SAFETY: a live handle.
        unsafe { tl_engine_inject_full_disk(self.engine, u8::from(full)) };
    }

    pub fn verdicts(&self) -> &[Verdict] {
        // SAFETY: the view was filled by the last consume and points into the live result.
        unsafe { run(self.view.verdicts, self.view.verdict_count) }
    }

    pub fn point_edits(&self) -> &[AttributeEdit] {
        // SAFETY: as above.
        unsafe { run(self.view.point_edits, self.view.point_edit_count) }
    }

    pub fn resource_edits(&self) -> &[AttributeEdit] {
        // SAFETY: as above.
        unsafe { run(self.view.resource_edits, self.view.resource_edit_count) }
    }

    pub fn words(&self) -> &[u64] {
        // SAFETY: as above.
        unsafe { run(self.view.words, self.view.word_count) }
    }

    /// Number of bytes of all requests that a tick hands out.
    pub fn tick(&mut self, second: u64) -> Result<u64, Status> {
        let tick = tl_tick_create();
        let mut view = TickView { payload_count: 0, done: 0 };
        let mut bytes = 0;
        let now = second * SECOND;
        let outcome = loop {
            // SAFETY: live handles, views of this function.
            let status =
                unsafe { tl_engine_tick(self.engine, tick, BEGAN + now, now, 0, &mut view, &mut self.error) };
            if status != Status::Ok {
                break Err(status);
            }
            for number in 0..view.payload_count {
                let mut payload =
                    PayloadView { metadata: null(), metadata_bytes: 0, request: null(), request_bytes: 0 };
                // SAFETY: live tick, view of this function.
                assert!(unsafe { tl_tick_payload(tick, number, &mut payload) });
                assert!(payload.metadata.is_null() && payload.metadata_bytes == 0);
                // SAFETY: the payload points into the live tick.
                let request =
                    unsafe { std::slice::from_raw_parts(payload.request, payload.request_bytes as usize) };
                bytes += request.iter().map(|_| 1).sum::<u64>();
            }
            // SAFETY: as above; a number past the end is refused.
            assert!(!unsafe { tl_tick_payload(tick, view.payload_count, &mut std::mem::zeroed()) });
            if view.done == 1 {
                break Ok(bytes);
            }
        };
        // SAFETY: made above, not used again.
        unsafe { tl_tick_destroy(tick) };
        outcome
    }
}

fn now(second: u64) -> Now {
    Now { wall_unix_nano: BEGAN + second * SECOND, monotonic_nano: second * SECOND }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: made by this value, not used again.
        unsafe {
            tl_result_destroy(self.result);
            tl_engine_destroy(self.engine);
        }
    }
}

/// A run that a view names; null where it is empty.
///
/// # Safety
/// As `slice::from_raw_parts`, for a pointer that is not null.
unsafe fn run<'a, T>(pointer: *const T, count: u64) -> &'a [T] {
    if count == 0 {
        assert!(pointer.is_null());
        return &[];
    }
    // SAFETY: the caller's contract.
    unsafe { std::slice::from_raw_parts(pointer, count as usize) }
}
