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
        // Every prior is low + u (high - low), in theta or in its logarithm.
        let is_log = |p: &Prior| matches!(p, Prior::LogUniform { .. });
        let ends = |p: &Prior| match *p {
            Prior::Uniform { low, high } => [low, high],
            Prior::LogUniform { low, high } => [low.ln(), high.ln()],
            Prior::None => unreachable!("the cube needs a prior on every parameter"),
        };
        let straight = row(&|p| ends(p)[0]) + u * row(&|p| ends(p)[1] - ends(p)[0]);
        if !self.priors.iter().any(is_log) {
            return (straight, log_det);
        }
        let log = row(&|p| f64::from(u8::from(is_log(p)))).expand([n, d]).greater_elem(0.5);
        // Where it is not taken, the exponential is given a zero: it might overflow.
        let exponential = straight.clone().mask_fill(log.clone().bool_not(), 0.0).exp();
        (straight.mask_where(log, exponential), log_det)
    }
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
