//! Penalties on splines that are far from uniform bins or from derivatives of order 1. They are plain tensor
//! operations, because they are off by default.

use super::SplineShape;
use super::parts::{Parts, normalized_entropy};
use crate::kernels::tensors::square;
use burn::tensor::Tensor;

/// The weights and thresholds of the penalties.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplinePenalty {
    /// Weight of the penalty on bins smaller than `min_bin_ratio` of a uniform bin, in width and in height.
    pub small_bin_weight: f64,
    /// Threshold of the first penalty, as a share of a uniform bin.
    pub min_bin_ratio: f64,
    /// Weight of the penalty on widths and heights whose normalized entropy is below `entropy_floor`.
    pub entropy_weight: f64,
    /// Threshold of the second penalty, from 0 (one bin takes all) to 1 (uniform bins).
    pub entropy_floor: f64,
    /// Weight of the penalty on derivatives at inner knots outside `derivative_range`.
    pub derivative_weight: f64,
    /// Smallest and largest derivative without a penalty.
    pub derivative_range: [f64; 2],
}

impl SplinePenalty {
    /// Whether all weights are zero.
    pub fn is_off(&self) -> bool {
        [self.small_bin_weight, self.entropy_weight, self.derivative_weight].iter().all(|&weight| weight == 0.0)
    }

    /// The penalties on small bins, on low entropy and on derivatives. Each is its weight times the mean of the squared
    /// shortfalls over all splines, (1), or `None` if its weight is zero.
    ///
    /// # Shapes
    /// `raw`: (n, splines * (3K - 1)), in the layout of [`forward`](super::reference::forward).
    pub fn terms(&self, raw: Tensor<2>, shape: SplineShape) -> [Option<Tensor<1>>; 3] {
        if self.is_off() {
            return [None, None, None];
        }
        let squared = |shortfall: Tensor<2>| square(shortfall.clamp_min(0.0)).mean();
        let Parts { shares, derivatives } = Parts::new(raw, shape);
        // The penalty on widths plus the penalty on heights.
        let both = |shortfall: &dyn Fn(Tensor<2>) -> Tensor<2>| {
            let [widths, heights] = shares.clone().map(|shares| squared(shortfall(shares)));
            widths + heights
        };
        let small_bin = || both(&|shares| shares * (-(shape.bins as f64)) + self.min_bin_ratio);
        let entropy = || both(&|shares| normalized_entropy(shares) * -1.0 + self.entropy_floor);
        let [least, most] = self.derivative_range;
        let derivative = || squared(derivatives.clone() * -1.0 + least) + squared(derivatives.clone() - most);
        let weighted = |weight: f64, term: &dyn Fn() -> Tensor<1>| (weight > 0.0).then(|| term() * weight);
        [
            weighted(self.small_bin_weight, &small_bin),
            weighted(self.entropy_weight, &entropy),
            weighted(self.derivative_weight, &derivative),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    const SHAPE: SplineShape = SplineShape::new(4, 3.0);
    const NONE: SplinePenalty = SplinePenalty {
        small_bin_weight: 0.0,
        min_bin_ratio: 0.2,
        entropy_weight: 0.0,
        entropy_floor: 0.6,
        derivative_weight: 0.0,
        derivative_range: [0.25, 5.0],
    };

    /// The sum of all penalties on one spline.
    fn total(penalty: SplinePenalty, raw: [f32; 11]) -> f64 {
        let raw = Tensor::from_data(TensorData::new(raw.to_vec(), [1, 11]), &Device::flex());
        let number = |term: Tensor<1>| f64::from(term.into_data().try_to_vec::<f32>().unwrap()[0]);
        penalty.terms(raw, SHAPE).into_iter().flatten().map(number).sum()
    }

    #[test]
    fn the_identity_has_no_penalty() {
        let all = SplinePenalty { small_bin_weight: 1.0, entropy_weight: 1.0, derivative_weight: 1.0, ..NONE };
        assert_eq!(total(all, [0.0; 11]), 0.0);
        let raw = Tensor::zeros([1, 11], &Device::flex());
        let terms = |penalty: SplinePenalty| penalty.terms(raw.clone(), SHAPE).iter().flatten().count();
        assert_eq!((terms(all), terms(NONE)), (3, 0));
    }

    #[test]
    fn each_penalty_is_its_squared_shortfall() {
        // One width takes nearly all; heights are uniform; one derivative is far too large, one far too small.
        let mut raw = [0.0; 11];
        raw[0] = 8.0;
        (raw[8], raw[9]) = (10.0, -10.0);
        let e = 8.0_f64.exp();
        let share = |x: f64| x / (e + 3.0) * (1.0 - 4e-3) + 1e-3;
        let (large, small) = (share(e), share(1.0));
        let bins = 3.0 * (0.2 - 4.0 * small).powi(2) / 4.0;
        let entropy = -(large * large.ln() + 3.0 * small * small.ln()) / 4.0_f64.ln();
        let softplus = |x: f64| x.exp().ln_1p() + 1e-3;
        let shift = SHAPE.derivative_shift;
        let derivative = ((softplus(10.0 + shift) - 5.0).powi(2) + (0.25 - softplus(shift - 10.0)).powi(2)) / 3.0;
        let close = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-5, "{got} {want}");
        close(total(SplinePenalty { small_bin_weight: 2.0, ..NONE }, raw), 2.0 * bins);
        close(total(SplinePenalty { entropy_weight: 3.0, ..NONE }, raw), 3.0 * (0.6 - entropy).powi(2));
        close(total(SplinePenalty { derivative_weight: 0.5, ..NONE }, raw), 0.5 * derivative);
    }
}
