//! Ctrl-C. The first one asks the program to stop; the second one ends it at once.

use crate::failure::{Failure, INTERRUPTED};
use flowglass::error::Error;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that Ctrl-C raises.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Handles Ctrl-C from now on until the program ends.
    pub(crate) fn new() -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        // The order matters: the shutdown must look at the flag before the first Ctrl-C raises it.
        flag::register_conditional_shutdown(SIGINT, i32::from(INTERRUPTED), asked.clone())
            .and_then(|_| flag::register(SIGINT, asked.clone()))
            .map_err(|e| Error::Internal(format!("Ctrl-C cannot be handled: {e}")))?;
        Ok(Self(asked))
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
