//! The validation loss of an epoch, from the losses of single rows.

/// The loss of a row whose loss is not finite, in nats, unless the worst finite one of the epoch is larger. Such a row
/// counts as if its density were the smallest that single precision holds, -ln(2^-126): an epoch that fails on some
/// rows is worse than one that does not, and a row that fails in every epoch does not change which of them is best.
const LOST: f64 = 87.3;

/// The validation loss of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Validation {
    /// The mean over all rows; not a number if no row has a finite loss.
    pub loss: f64,
    /// The standard error of the mean; `None` for a single row.
    pub error: Option<f64>,
    /// Number of rows whose loss is not finite.
    pub lost: usize,
    /// The means over the even rows and over the odd rows, which the seed has shuffled.
    pub halves: [f64; 2],
}

impl Validation {
    /// The validation of an epoch by the losses of its rows; `None` without rows.
    pub(crate) fn of(losses: &[f32]) -> Option<Self> {
        let is_lost = |loss: &&f32| !loss.is_finite();
        let lost = losses.iter().filter(is_lost).count();
        let worst = losses.iter().filter(|loss| loss.is_finite()).fold(LOST, |worst, &loss| worst.max(loss.into()));
        let cost = if lost == losses.len() { f64::NAN } else { worst };
        let rows = losses.iter().map(|&loss| if loss.is_finite() { f64::from(loss) } else { cost });
        let n = losses.len() as f64;
        let mean = |from: usize, step: usize| {
            let own = rows.clone().skip(from).step_by(step);
            let count = own.clone().count() as f64;
            own.sum::<f64>() / count
        };
        let loss = mean(0, 1);
        let variance = rows.clone().map(|row| (row - loss).powi(2)).sum::<f64>() / (n - 1.0);
        let error = Some((variance / n).sqrt()).filter(|error| error.is_finite());
        (n > 0.0).then(|| Self { loss, error, lost, halves: [mean(0, 2), mean(1, 2)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_mean_with_its_standard_error() {
        let found = Validation::of(&[1.0, 2.0, 4.0, 5.0]).unwrap();
        // The variance of 1, 2, 4, 5 is 10 / 3.
        assert_eq!((found.loss, found.lost, found.halves), (3.0, 0, [2.5, 3.5]));
        assert!((found.error.unwrap() - (10.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(Validation::of(&[]), None);
        assert_eq!(Validation::of(&[2.0]).unwrap().error, None);
    }

    #[test]
    fn an_epoch_that_fails_on_its_worst_row_is_worse_than_one_that_does_not() {
        let whole = Validation::of(&[1.0, 2.0, 60.0]).unwrap();
        for lost in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let failed = Validation::of(&[0.5, 1.0, lost]).unwrap();
            assert_eq!((whole.lost, failed.lost), (0, 1));
            assert!(failed.loss > whole.loss, "{failed:?} {whole:?}");
        }
        // A lost row costs no less than a row that was evaluated.
        let failed = Validation::of(&[300.0, f32::NAN]).unwrap();
        assert_eq!(failed.loss, 300.0);
    }

    #[test]
    fn a_row_that_fails_in_every_epoch_leaves_their_order() {
        let of = |loss: f32| Validation::of(&[loss, f32::NAN, loss + 1.0]).unwrap().loss;
        assert!(of(1.0) < of(1.1) && of(-2.0) < of(1.0));
    }

    #[test]
    fn an_epoch_without_a_finite_loss_has_none() {
        assert!(Validation::of(&[f32::NAN, f32::INFINITY]).unwrap().loss.is_nan());
    }
}
