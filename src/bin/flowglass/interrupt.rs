//! Ctrl-C: the first asks, the second ends the program at once.

use crate::failure::{Failure, INTERRUPTED};
use flowglass::error::Error;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether Ctrl-C was pressed since this was made.
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes Ctrl-C over for the rest of the program's life.
    pub fn new() -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        // In this order: the first finds the flag down, and the second raises it.
        flag::register_conditional_shutdown(SIGINT, i32::from(INTERRUPTED), asked.clone())
            .and_then(|_| flag::register(SIGINT, asked.clone()))
            .map_err(|e| Error::State(format!("Ctrl-C cannot be handled: {e}")))?;
        Ok(Self(asked))
    }

    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
