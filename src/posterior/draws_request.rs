//! A request for draws. The memory that draws need is known before any is made.

use crate::error::{Error, Result, counted};

/// Draws that a caller asks for.
#[derive(Debug, Clone, Copy)]
pub struct DrawsRequest {
    /// Number of observations.
    pub observations: usize,
    /// Draws for each of them.
    pub n: usize,
    /// Number of parameters, D.
    pub dim: usize,
}

impl DrawsRequest {
    /// Bytes of memory that a number of the draws takes while they are made: as a double in the coordinates of the
    /// flow, and as another one in the space of the draws.
    pub const BYTES: u64 = 16;

    /// Makes sure that the draws fit into `available` bytes of memory. `bytes` is what a number of them takes while
    /// they are made and used: [`BYTES`](Self::BYTES) or more.
    ///
    /// # Errors
    /// [`Error::Option`] for `n`, with the memory that the draws need and what would fit.
    pub fn check_memory(self, bytes: u64, available: u64) -> Result<()> {
        let Self { observations, n, dim } = self;
        let of_one_draw = (observations as u64).saturating_mul(dim as u64).saturating_mul(bytes);
        let need = of_one_draw.saturating_mul(n as u64);
        if need <= available {
            return Ok(());
        }
        let fits = match (observations, available / of_one_draw) {
            (1, most) => format!("at most {most}"),
            (_, 0) => "fewer observations at a time".into(),
            (_, most) => format!("at most {most} for each of {observations} observations, or fewer at a time"),
        };
        let times = if observations == 1 { String::new() } else { format!("{observations} x ") };
        let work = format!("{times}{n} draws of {}", counted(dim, "parameter"));
        Err(Error::memory("n", n, &fits, &work, [need, available]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(observations: usize, n: usize, available: u64) -> String {
        let request = DrawsRequest { observations, n, dim: 2 };
        request.check_memory(DrawsRequest::BYTES, available).map_or_else(|e| e.to_string(), |()| String::new())
    }

    #[test]
    fn draws_that_fit_are_made() {
        assert_eq!(told(10, 100, 10 * 100 * 2 * 16), "");
    }

    #[test]
    fn draws_that_do_not_fit_are_refused_with_what_would_fit() {
        assert_eq!(
            told(10_000, 100_000, 4_000_000_000),
            "option n = 100000: expected at most 12500 for each of 10000 observations, or fewer at a time: \
             10000 x 100000 draws of 2 parameters need about 32.0 GB of memory, and 4.0 GB are available"
        );
        assert!(told(1, 1_000_000, 16_000_000).contains("expected at most 500000: 1000000 draws of 2 parameters need"));
        assert!(told(1000, 9, 16_000).contains("expected fewer observations at a time: 1000 x 9 draws"));
    }

    #[test]
    fn a_need_beyond_all_numbers_is_refused() {
        assert!(told(usize::MAX, usize::MAX, u64::MAX - 1).contains("are available"));
    }
}
