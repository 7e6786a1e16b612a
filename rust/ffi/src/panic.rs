//! Contains panics at the boundary: the caller gets an error with message and place.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

#[cfg(not(panic = "unwind"))]
compile_error!("the boundary contains panics by unwinding: build with panic = \"unwind\"");

thread_local! {
    /// Place of this thread's last panic; the payload that `catch_unwind` returns does not have it.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `body`; a panic becomes its message.
pub(crate) fn contain<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    note_places();
    // What `body` has left half done is behind a handle that is poisoned from now on.
    panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let place = PLACE.with(|place| place.borrow_mut().take()).unwrap_or_default();
        format!("{}{place}", text(payload.as_ref()))
    })
}

/// Replaces the default hook, which writes to the collector's standard error, once per process.
fn note_places() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
            let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line()));
            // A thread on its way out has no place to note; the panic itself is contained all the same.
            let _ = PLACE.try_with(|slot| slot.replace(place));
        }));
    });
}

fn text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a body panics. Guarantee: message and place come back as an error, the thread lives.
    #[test]
    fn a_panic_is_an_error_with_its_place() {
        let error = contain(|| panic!("out of {}", "luck")).unwrap_err();
        assert!(error.starts_with("out of luck at "), "{error}");
        assert!(error.contains("panic.rs"), "{error}");
        assert_eq!(contain(|| 5), Ok(5));
    }
}
