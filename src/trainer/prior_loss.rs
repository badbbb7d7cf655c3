//! The loss of knowing nothing: that of a flow that gives the prior for every observation.

use crate::prior::Prior;
use crate::random::{Purpose, Random};
use crate::space::{ParameterSpace, SpaceKind};
use std::f64::consts::PI;

/// The mean of -ln p(theta) over the rows of `theta`, physical, row-major (n, D), in nats. The density p is that of the
/// prior in the coordinates of the flow, so the number compares with the loss of these rows. For many rows that follow
/// the prior it is the prior's entropy: 2 for each parameter in the cube and in unconstrained coordinates, where the
/// prior is the standard logistic distribution.
///
/// A parameter without a prior has the normal distribution with the moments of the training rows instead. Of all
/// distributions with these moments it has the greatest entropy, so its loss is not below that of the best flow that
/// ignores the data.
pub(super) fn prior_loss(space: &ParameterSpace, theta: &[f64]) -> f64 {
    let d = space.dim();
    let mut random = Random::new(0, Purpose::Spread(u32::MAX));
    let flow = space.to_flow_spread(theta, SpaceKind::Physical, &mut || random.unit());
    let loss = |(i, (&theta, &w)): (usize, (&f64, &f64))| {
        let (prior, std) = (&space.priors[i % d], space.std[i % d]);
        match space.kind {
            // A spread parameter is uniform from 0 to 1.
            SpaceKind::Physical if space.masses(i % d).is_some() => -std.ln(),
            SpaceKind::Physical if *prior != Prior::None && prior.contains(theta) => {
                -prior.log_density(theta) - std.ln()
            }
            SpaceKind::Physical => 0.5 * (w * w + (2.0 * PI).ln()),
            _ if let Some(loss) = space.prior_loss_on_line(i % d, w) => loss,
            // -ln of the logistic density, exp(-|w|) / (1 + exp(-|w|))^2.
            _ => w.abs() + 2.0 * (-w.abs()).exp().ln_1p(),
        }
    };
    theta.iter().zip(&flow).enumerate().map(loss).sum::<f64>() / (theta.len() / d).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 10_000;

    /// The loss of one parameter that takes the quantiles of `prior`, or those of a uniform distribution from 0 to 3.
    fn of(kind: SpaceKind, prior: Prior) -> f64 {
        let of_theta = if prior == Prior::None { Prior::Uniform { low: 0.0, high: 3.0 } } else { prior };
        let theta: Vec<f64> = (0..N).map(|i| of_theta.quantile((i as f64 + 0.5) / N as f64)).collect();
        prior_loss(&ParameterSpace::fit(kind, vec!["a".into()], vec![prior], &theta).unwrap(), &theta)
    }

    #[test]
    fn the_loss_of_the_prior_is_its_entropy() {
        let priors = [Prior::Uniform { low: -1.0, high: 4.0 }, Prior::Normal { mean: 2.0, std: 0.1 }];
        for prior in priors {
            for kind in [SpaceKind::Cube, SpaceKind::Unconstrained] {
                // The entropy of the logistic distribution is 2. A sum over N quantiles misses the tails by about 1 /
                // N.
                assert!((of(kind, prior) - 2.0).abs() < 1e-3, "{kind} {prior}: {}", of(kind, prior));
            }
        }
        let physical = priors.map(|prior| of(SpaceKind::Physical, prior));
        // In standard deviations: ln sqrt(12) of the uniform, ln sqrt(2 pi e) of the normal distribution.
        assert!((physical[0] - 0.5 * 12_f64.ln()).abs() < 1e-3, "{physical:?}");
        assert!((physical[1] - 0.5 * (2.0 * PI * 1_f64.exp()).ln()).abs() < 2e-3, "{physical:?}");
    }

    #[test]
    fn without_a_prior_the_loss_is_that_of_a_normal_distribution() {
        let unknown = of(SpaceKind::Physical, Prior::None);
        assert!((unknown - 0.5 * (1.0 + (2.0 * PI).ln())).abs() < 1e-6, "{unknown}");
    }
}
