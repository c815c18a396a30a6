//! Catches panics of the crate under test. A panic is a finding: its text goes into the report and not onto the
//! terminal.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static PANIC_TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `work`. If it panics, returns the message and the place of the panic.
///
/// After a panic, values that `work` was changing must not be used.
///
/// # Errors
/// The text of the panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    CATCHING.set(true);
    let run = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(false);
    run.map_err(|_| PANIC_TEXT.take())
}

fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if CATCHING.get() {
                PANIC_TEXT.replace(panic.to_string().replace('\n', " "));
            } else {
                previous(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::catch_panic;

    #[test]
    fn a_panic_is_returned_as_text() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        let text = catch_panic(|| [1, 2, 3][std::hint::black_box(7)]).unwrap_err();
        assert!(text.contains("index out of bounds") && text.contains("panics.rs"), "{text}");
        assert_eq!(catch_panic(|| 8), Ok(8));
    }
}
