//! From flow coordinates to parameters over tensors, differentiable: the evidence lower bound needs it.

use super::{ParameterSpace, Prior, SpaceKind};
use burn::tensor::{Tensor, TensorData, activation};

impl ParameterSpace {
    /// Physical parameters of v = logit(u), and ln |du/dv|, which turns a density in v into one in the cube.
    ///
    /// # Shapes
    /// `v`: (n, D); returns (n, D) and (n).
    ///
    /// # Panics
    /// In the physical space, which has no cube, and for a parameter without a prior: the options are checked before.
    pub fn from_unconstrained(&self, v: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        assert!(self.kind != SpaceKind::Physical, "the physical space has no cube");
        let ([n, d], device) = (v.dims(), v.device());
        // ln u and ln(1 - u) in the form that neither overflows nor loses small values; ln du/dv is their sum.
        let log_u = activation::log_sigmoid(v.clone());
        let log_rest = activation::log_sigmoid(v.clone().neg());
        let log_det = (log_u.clone() + log_rest).sum_dim(1).reshape([n]);
        let u = log_u.exp();
        let row = |of: &dyn Fn(&Prior) -> f64| -> Tensor<2> {
            let values: Vec<f32> = self.priors.iter().map(|p| of(p) as f32).collect();
            Tensor::from_data(TensorData::new(values, [1, d]), &device)
        };
        // Every prior is offset + scale * standard, in theta or in its logarithm; the standard variable is u or normal.
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
        // Where it is not taken, the exponential is given a zero: it might overflow.
        let exponential = straight.clone().mask_fill(log.clone().bool_not(), 0.0).exp();
        (straight.mask_where(log, exponential), log_det)
    }
}

/// The standard normal quantile of u = sigmoid(v), within 2e-6 in f32 for |v| up to 30: Acklam's rational approximations
/// (2003, "An algorithm for computing the inverse normal cumulative distribution function"; 1.2e-9 in double precision),
/// one in u - 1/2 in the middle and one in sqrt(-2 ln u) in the tails. Each is given what it can deal with.
fn normal_quantile(v: Tensor<2>) -> Tensor<2> {
    const A: [f64; 6] = [
        2.506_628_277_459_239,
        -30.664_798_066_147_16,
        138.357_751_867_269,
        -275.928_510_446_968_7,
        220.946_098_424_520_5,
        -39.696_830_286_653_76,
    ];
    const B: [f64; 6] = [
        1.0,
        -13.280_681_552_885_72,
        66.801_311_887_719_72,
        -155.698_979_859_886_6,
        161.585_836_858_040_9,
        -54.476_098_798_224_06,
    ];
    const C: [f64; 6] = [
        2.938_163_982_698_783,
        4.374_664_141_464_968,
        -2.549_732_539_343_734,
        -2.400_758_277_161_838,
        -0.322_396_458_041_136_5,
        -7.784_894_002_430_293e-3,
    ];
    const D: [f64; 5] =
        [1.0, 3.754_408_661_907_416, 2.445_134_137_142_996, 0.322_467_129_070_039_8, 7.784_695_709_041_462e-3];
    /// Where the tails begin.
    const TAIL: f64 = 0.02425;
    let polynomial =
        |c: &[f64], x: &Tensor<2>| c.iter().rev().fold(x.zeros_like(), |sum: Tensor<2>, &c| sum * x.clone() + c);
    let tail_from = (1.0 / TAIL - 1.0).ln();
    let center = (v.clone().clamp(-tail_from, tail_from) * 0.5).tanh() * 0.5;
    let squared = center.clone().square();
    let middle = center * polynomial(&A, &squared) / polynomial(&B, &squared);
    // ln of the smaller of u and 1 - u, without cancellation.
    let magnitude = v.clone().abs().clamp_min(tail_from);
    let q = (activation::log_sigmoid(magnitude.neg()) * -2.0).sqrt();
    let tail = polynomial(&C, &q) / polynomial(&D, &q) * v.clone().sign().neg();
    middle.mask_where(v.abs().greater_elem(tail_from), tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn space() -> ParameterSpace {
        let priors = vec![Prior::Uniform { low: -3.0, high: 5.0 }, Prior::LogUniform { low: 1e-6, high: 1e2 }];
        let names = vec!["a".into(), "b".into()];
        ParameterSpace::fit(SpaceKind::Cube, names, priors, &[0.0, 1.0]).unwrap()
    }

    #[test]
    fn normal_priors_are_those_of_the_host_in_the_middle_and_in_the_tails() {
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
    fn parameters_and_log_dets_are_those_of_the_host() {
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

    #[test]
    fn gradients_are_finite_far_out_and_agree_with_differences() {
        let device = Device::flex().autodiff();
        let at = |v: [f32; 2]| Tensor::<2>::from_data(TensorData::new(v.to_vec(), [1, 2]), &device);
        let score = |v: Tensor<2>| {
            let (theta, log_det) = space().from_unconstrained(v);
            theta.sum() + log_det.sum()
        };
        for v in [[-80.0, 80.0], [80.0, -80.0]] {
            let v = at(v).require_grad();
            let gradient = v.grad(&score(v.clone()).backward()).unwrap();
            assert!(gradient.into_data().try_to_vec::<f32>().unwrap().iter().all(|g| g.is_finite()));
        }
        let v = at([0.4, -0.9]).require_grad();
        let gradient = v.grad(&score(v.clone()).backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        let value = |v: [f32; 2]| score(at(v)).into_data().try_to_vec::<f32>().unwrap()[0];
        let slopes =
            [(value([0.41, -0.9]) - value([0.39, -0.9])) / 0.02, (value([0.4, -0.89]) - value([0.4, -0.91])) / 0.02];
        gradient.iter().zip(slopes).for_each(|(g, s)| assert!((g - s).abs() < 2e-3 * s.abs().max(0.1), "{g} {s}"));
    }
}
