//! Flow coordinates to parameters as differentiable tensor operations, for the evidence lower bound.

use super::{ParameterSpace, SpaceKind};
use crate::kernels::{from_values, softplus};
use crate::prior::Prior;
use burn::tensor::Tensor;

impl ParameterSpace {
    /// Physical parameters of v = logit(u), and ln |du/dv|, which turns a density in v into one in the cube.
    ///
    /// # Shapes
    /// `v`: (n, D); returns (n, D) and (n).
    ///
    /// # Panics
    /// If the space is the physical one, which has no cube, or a parameter has no prior. The options are checked
    /// before.
    pub fn from_unconstrained(&self, v: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        assert!(self.kind != SpaceKind::Physical, "the physical space has no cube");
        let ([n, d], device) = (v.dims(), v.device());
        // This form of ln u and ln(1 - u) neither overflows nor loses small values. Their sum is ln du/dv.
        let log_u = softplus(v.clone().neg()).neg();
        let log_rest = softplus(v.clone()).neg();
        let log_det = (log_u.clone() + log_rest).sum_dim(1).reshape([n]);
        let u = log_u.exp();
        let row = |of: &dyn Fn(&Prior) -> f64| -> Tensor<2> {
            let values: Vec<f32> = self.priors.iter().map(|p| of(p) as f32).collect();
            from_values(values, [1, d], &device)
        };
        // Every prior is offset + scale * standard, in theta or in ln theta. The standard variable is u or a normal
        // variable.
        let is_log = |p: &Prior| matches!(p, Prior::LogUniform { .. } | Prior::LogNormal { .. });
        let is_normal = |p: &Prior| matches!(p, Prior::Normal { .. } | Prior::LogNormal { .. });
        let line = |p: &Prior| match *p {
            Prior::Uniform { low, high } => [low, high - low],
            Prior::LogUniform { low, high } => [low.ln(), (high / low).ln()],
            Prior::Normal { mean, std } | Prior::LogNormal { mean, std } => [mean, std],
            Prior::None => unreachable!("the cube needs a prior on every parameter"),
        };
        let standard = if self.priors.iter().any(is_normal) {
            let normal = row(&|p| f64::from(u8::from(is_normal(p)))).expand([n, d]).greater_elem(0.5);
            u.mask_where(normal, normal_quantile(v))
        } else {
            u
        };
        let straight = row(&|p| line(p)[0]) + standard * row(&|p| line(p)[1]);
        if !self.priors.iter().any(is_log) {
            return (straight, log_det);
        }
        let log = row(&|p| f64::from(u8::from(is_log(p)))).expand([n, d]).greater_elem(0.5);
        // Where the exponential is not used, its argument is 0, because it might overflow.
        let exponential = straight.clone().mask_fill(log.clone().bool_not(), 0.0).exp();
        (straight.mask_where(log, exponential), log_det)
    }
}

/// Standard normal quantile of u = sigmoid(v), with a relative error of 4e-7 in f32.
///
/// The quantile is sqrt 2 erfinv(2u - 1), by the polynomials of Giles for single precision (2011, "Approximating the
/// erfinv function", table 5), whose terms do not cancel. Their variable is w = -ln(4 u (1 - u)) in the middle, and the
/// root of w in the tails. Each polynomial gets only values from its own range.
fn normal_quantile(v: Tensor<2>) -> Tensor<2> {
    const MIDDLE: [f64; 9] = [
        1.501_409_41,
        0.246_640_727,
        -0.004_177_681_64,
        -0.001_253_725_03,
        0.000_218_580_87,
        -4.391_506_54e-6,
        -3.523_387_7e-6,
        3.432_739_39e-7,
        2.810_226_36e-8,
    ];
    const TAIL: [f64; 9] = [
        2.832_976_82,
        1.001_674_06,
        0.009_438_870_47,
        -0.007_622_461_3,
        0.005_739_507_73,
        -0.003_673_428_44,
        0.001_349_343_22,
        0.000_100_950_558,
        -0.000_200_214_257,
    ];
    /// Value of w at which the tails begin.
    const TAIL_FROM: f64 = 5.0;
    let polynomial = |c: &[f64], x: Tensor<2>| c.iter().rev().fold(x.zeros_like(), |sum, &c| sum * x.clone() + c);
    let w = softplus(v.clone().neg()) + softplus(v.clone()) - 4.0_f64.ln();
    let middle = polynomial(&MIDDLE, w.clone().neg().clamp_min(-TAIL_FROM).neg() - 2.5);
    let tail = polynomial(&TAIL, w.clone().clamp_min(TAIL_FROM).sqrt() - 3.0);
    middle.mask_where(w.greater_elem(TAIL_FROM), tail) * (v * 0.5).tanh() * std::f64::consts::SQRT_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn space() -> ParameterSpace {
        let priors = vec![Prior::Uniform { low: -3.0, high: 5.0 }, Prior::LogUniform { low: 1e-6, high: 1e2 }];
        let names = vec!["a".into(), "b".into()];
        ParameterSpace::fit(SpaceKind::Cube, names, priors, &[0.0, 1.0]).unwrap()
    }

    #[test]
    fn normal_quantiles_equal_those_in_double_precision() {
        let priors = vec![Prior::Normal { mean: 1.0, std: 2.0 }, Prior::LogNormal { mean: -3.0, std: 0.5 }];
        let names = vec!["a".into(), "b".into()];
        let space = ParameterSpace::fit(SpaceKind::Cube, names, priors, &[0.0, 1.0]).unwrap();
        let v: Vec<f64> = (-26..=26).flat_map(|i| [0.5 * f64::from(i), -0.37 * f64::from(i)]).collect();
        let tensor: Vec<f32> = v.iter().map(|&v| v as f32).collect();
        let tensor =
            Tensor::<2>::from_data(TensorData::new(tensor, [53, 2]), &Device::flex().autodiff()).require_grad();
        let (theta, _) = space.from_unconstrained(tensor.clone());
        let gradient = tensor.grad(&theta.clone().sum().backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        let at = |v: &[f64]| space.convert(v, SpaceKind::Unconstrained, SpaceKind::Physical);
        let theta = theta.into_data().try_to_vec::<f32>().unwrap();
        let moved = |by: f64| at(&v.iter().map(|v| v + by).collect::<Vec<_>>());
        for (i, want) in at(&v).into_iter().enumerate() {
            assert!((f64::from(theta[i]) - want).abs() < 1e-5 * want.abs().max(1e-2), "{} {want}", theta[i]);
            let slope = (moved(1e-4)[i] - moved(-1e-4)[i]) / 2e-4;
            assert!((f64::from(gradient[i]) / slope - 1.0).abs() < 1e-3, "{} {slope}", gradient[i]);
        }
    }

    #[test]
    fn parameters_and_log_dets_equal_those_in_double_precision() {
        let v = [-12.0, 0.0, 0.3, -2.0, 7.0, 3.0];
        let tensor = Tensor::<2>::from_data(TensorData::new(v.map(|v| v as f32).to_vec(), [3, 2]), &Device::flex());
        let (theta, log_det) = space().from_unconstrained(tensor);
        let theta = theta.into_data().try_to_vec::<f32>().unwrap();
        let want = space().convert(&v, SpaceKind::Unconstrained, SpaceKind::Physical);
        for (got, want) in theta.iter().zip(want) {
            assert!((f64::from(*got) - want).abs() < 2e-6 * want.abs().max(1.0), "{got} {want}");
        }
        let log_det = log_det.into_data().try_to_vec::<f32>().unwrap();
        for (got, row) in log_det.iter().zip(v.chunks_exact(2)) {
            let want: f64 = row.iter().map(|v| -(1.0 + f64::exp(-v)).ln() - (1.0 + f64::exp(*v)).ln()).sum();
            assert!((f64::from(*got) - want).abs() < 1e-5 * want.abs(), "{got} {want}");
        }
    }

    /// The row `v` on a device that tracks gradients.
    fn row(v: [f32; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(v.to_vec(), [1, 2]), &Device::flex().autodiff())
    }

    /// The sum of the parameters and the log-det.
    fn score(v: Tensor<2>) -> Tensor<1> {
        let (theta, log_det) = space().from_unconstrained(v);
        theta.sum() + log_det.sum()
    }

    fn gradient(v: [f32; 2]) -> Vec<f32> {
        let v = row(v).require_grad();
        v.grad(&score(v.clone()).backward()).unwrap().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn gradients_are_finite_far_out() {
        for v in [[-80.0, 80.0], [80.0, -80.0]] {
            assert!(gradient(v).iter().all(|g| g.is_finite()));
        }
    }

    #[test]
    fn gradients_agree_with_differences() {
        let value = |v: [f32; 2]| score(row(v)).into_data().try_to_vec::<f32>().unwrap()[0];
        let slopes =
            [(value([0.41, -0.9]) - value([0.39, -0.9])) / 0.02, (value([0.4, -0.89]) - value([0.4, -0.91])) / 0.02];
        let gradient = gradient([0.4, -0.9]);
        gradient.iter().zip(slopes).for_each(|(g, s)| assert!((g - s).abs() < 2e-3 * s.abs().max(0.1), "{g} {s}"));
    }
}
