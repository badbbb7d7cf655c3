//! Checks a gradient that somebody wrote against central differences of the value, before training.

use super::caller::{LikelihoodFunction, score};
use crate::data::Spectrum;
use crate::error::{Error, Result};
use crate::random::{Diagnostic, Purpose, Random};
use crate::space::ParameterSpace;

/// Prior draws at which the gradient is checked. The gradient is refused if it is wrong at more than half of the draws.
/// So one draw may lie on a kink, or at a theta whose value is not finite.
pub(crate) const DRAWS: usize = 3;

/// Largest distance of a draw's cumulative probability from a half, so that no step leaves the prior's support.
const REACH: f32 = 0.45;
/// Half of the widest step, in cumulative probability of the prior.
const WIDEST: f64 = 0.01;
/// Steps as shares of the widest one. A posterior may be thousands of times narrower than the prior.
const STEPS: [f64; 4] = [1.0, 1e-1, 1e-2, 1e-3];
/// Relative error of a value. The function may compute in float32.
const ROUNDING: f64 = f32::EPSILON as f64;
/// Largest difference between the gradient and the numeric slope, beyond the numeric error, as a share of the larger
/// one. A right gradient differs by 0, a gradient off by a factor of 2 by 1/2, a missing entry by 1, a wrong sign by 2.
const TOLERANCE: f64 = 0.25;

/// Checks the gradient of `likelihood` at prior draws, one draw for each of `observed`.
///
/// # Errors
/// [`Error::Likelihood`] naming the parameter, its gradient and the numeric slope; the error of the function itself.
pub(crate) fn check_gradient(
    likelihood: &LikelihoodFunction,
    space: &ParameterSpace,
    observed: &[Spectrum],
    seed: u64,
) -> Result<()> {
    let (d, names) = (space.dim(), &space.names);
    let mut random = Random::new(seed, Purpose::Diagnostic(Diagnostic::Gradient));
    // For each parameter: the draws that have a numeric slope, the draws whose gradient is wrong, and the message
    // about the last wrong one.
    let mut found = vec![(0, 0, String::new()); d];
    for x in observed {
        let u: Vec<f64> = random.uniform(d, REACH).into_iter().map(|v| 0.5 + f64::from(v)).collect();
        let theta: Vec<f64> = space.priors.iter().zip(&u).map(|(prior, &u)| prior.quantile(u)).collect();
        let (_, gradient) = score(likelihood, &theta, x, names)?;
        for (j, (seen, wrong, told)) in found.iter_mut().enumerate() {
            let value = |by: f64| {
                let mut theta = theta.clone();
                theta[j] += by;
                Ok(score(likelihood, &theta, x, names)?.0)
            };
            let widest = (space.priors[j].quantile(u[j] + WIDEST) - space.priors[j].quantile(u[j] - WIDEST)) / 2.0;
            let (Some((slope, error)), true) = (slope(value, widest)?, gradient[j].is_finite()) else { continue };
            *seen += 1;
            if (gradient[j] - slope).abs() > TOLERANCE * slope.abs().max(gradient[j].abs()) + error {
                *wrong += 1;
                *told = format!("{:.4e}, where differences of the value give {slope:.4e}, at {theta:.4?}", gradient[j]);
            }
        }
    }
    match found.iter().zip(names).find(|((seen, wrong, _), _)| 2 * wrong > *seen) {
        Some(((_, _, told), name)) => {
            let expected =
                format!("expected the derivative of the value with respect to {name}, in its physical units");
            Err(Error::Likelihood(format!("its gradient for {name} is {told}: {expected}")))
        }
        None => Ok(()),
    }
}

/// The most precise central difference over the steps `widest * STEPS`, and its error. The error is an estimate: the
/// distance from the difference with the next wider step (truncation), plus rounding. `None` if no two neighboring
/// differences are finite.
fn slope(value: impl Fn(f64) -> Result<f64>, widest: f64) -> Result<Option<(f64, f64)>> {
    let (mut best, mut before): (Option<(f64, f64)>, f64) = (None, f64::NAN);
    for share in STEPS {
        let h = widest * share;
        let (above, below) = (value(h)?, value(-h)?);
        let slope = (above - below) / (2.0 * h);
        let error = (slope - before).abs() + ROUNDING * above.abs().max(below.abs()) / h;
        if error.is_finite() && best.is_none_or(|(_, least)| error < least) {
            best = Some((slope, error));
        }
        before = slope;
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::Prior;
    use crate::simulators::SHIPPED;
    use crate::space::SpaceKind;

    fn space(priors: Vec<Prior>) -> ParameterSpace {
        let names: Vec<String> = (0..priors.len()).map(|j| format!("p{j}")).collect();
        let theta = vec![0.0; priors.len()];
        ParameterSpace::fit(SpaceKind::Cube, names, priors, &theta).unwrap()
    }

    /// A function, its gradient, and the priors of its parameters.
    type Case = (&'static str, fn(&[f64]) -> f64, fn(&[f64]) -> Vec<f64>, Vec<Prior>);

    fn cases() -> Vec<Case> {
        let wide = Prior::Uniform { low: -4.0, high: 4.0 };
        let decades = Prior::LogUniform { low: 1e-3, high: 1e3 };
        let unbounded = [Prior::Normal { mean: 1500.0, std: 200.0 }, Prior::LogNormal { mean: -2.0, std: 0.7 }];
        vec![
            ("a line", |t| 3.0 * t[0] - t[1], |_| vec![3.0, -1.0], vec![wide; 2]),
            ("a parameter without effect", |t| -t[1] * t[1], |t| vec![0.0, -2.0 * t[1]], vec![wide; 2]),
            (
                "a quadratic far above its width",
                |t| -0.5 * ((t[0] - 0.3) / 1e-4).powi(2),
                |t| vec![-(t[0] - 0.3) / 1e-8],
                vec![wide],
            ),
            ("decades", |t| -0.5 * t[0].ln().powi(2), |t| vec![-t[0].ln() / t[0]], vec![decades]),
            (
                "no bounds",
                |t| -((t[0] - 1000.0) / 10.0).powi(2) - t[1].exp(),
                |t| vec![-(t[0] - 1000.0) / 50.0, -t[1].exp()],
                unbounded.to_vec(),
            ),
            ("ripples", |t| 5.0 * (300.0 * t[0]).sin(), |t| vec![1500.0 * (300.0 * t[0]).cos()], vec![wide]),
            (
                "computed in float32",
                |t| f64::from(-0.5 * ((t[0] as f32 - 1.0) / 0.01).powi(2)),
                |t| vec![f64::from(-(t[0] as f32 - 1.0) / 0.0001)],
                vec![wide],
            ),
            (
                "not finite in most places",
                |t| if t[0] < 3.0 { f64::NEG_INFINITY } else { t[0] },
                |t| vec![if t[0] < 3.0 { f64::NAN } else { 1.0 }],
                vec![wide],
            ),
        ]
    }

    /// The number of seeds, of [`SEEDS`], for which the gradient times `factor` is refused.
    fn refused((_, f, gradient, priors): &Case, factor: f64) -> usize {
        let (f, gradient) = (*f, *gradient);
        let function = move |theta: &[f64], _: &Spectrum| -> super::super::caller::Scored {
            Ok((f(theta), gradient(theta).into_iter().map(|g| factor * g).collect()))
        };
        let observed = vec![Spectrum::default(); DRAWS];
        (0..SEEDS).filter(|&seed| check_gradient(&function, &space(priors.clone()), &observed, seed).is_err()).count()
    }

    const SEEDS: u64 = 100;

    #[test]
    fn a_right_gradient_passes() {
        for case in cases() {
            assert_eq!(refused(&case, 1.0), 0, "{}: a right gradient was refused", case.0);
        }
    }

    #[test]
    fn a_gradient_off_by_sign_or_factor_is_refused() {
        // A value that is not finite in most places proves nothing about its gradient.
        for case in cases().into_iter().filter(|case| !case.0.starts_with("not finite")) {
            for factor in [-1.0, 0.5, 2.0, 0.0] {
                assert_eq!(refused(&case, factor), 100, "{}, times {factor}: was accepted", case.0);
            }
        }
    }

    #[test]
    fn the_gradients_of_shipped_likelihoods_pass_with_their_own_sign_only() {
        for simulator in SHIPPED.iter().filter(|simulator| simulator.likelihood().is_some()) {
            let set = simulator.simulations(DRAWS, 3).unwrap();
            let observed: Vec<Spectrum> = (0..DRAWS).filter_map(|i| set.observation(i).spectrum).collect();
            for j in 0..set.parameter_dim() {
                // There is no exact gradient here. Differences with another step take its place.
                let with = |factor: f64| {
                    let function = move |theta: &[f64], x: &Spectrum| -> super::super::caller::Scored {
                        let at = |j: usize, by: f64| {
                            let mut theta = theta.to_vec();
                            theta[j] += by;
                            simulator.log_likelihood(x, &theta).map(|values| values[0])
                        };
                        let difference = |i: usize| -> Result<f64> {
                            let h = 3e-6 * theta[i].abs().max(0.1);
                            Ok((at(i, h)? - at(i, -h)?) / (2.0 * h) * if i == j { factor } else { 1.0 })
                        };
                        let gradient = (0..theta.len()).map(difference).collect::<Result<_>>()?;
                        Ok((at(0, 0.0)?, gradient))
                    };
                    let space = ParameterSpace::fit(
                        SpaceKind::Cube,
                        set.parameter_names.clone(),
                        set.priors.clone(),
                        set.theta.values(),
                    );
                    check_gradient(&function, &space.unwrap(), &observed, 1)
                };
                with(1.0).unwrap();
                let message = with(-1.0).unwrap_err().to_string();
                assert!(message.contains(&format!("gradient for {}", set.parameter_names[j])), "{message}");
            }
        }
    }
}
