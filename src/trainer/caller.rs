//! A likelihood on the host, for simulators without tensors: a function that returns value and gradient. A Rust closure
//! and a JavaScript function come this way.

use crate::data::Spectrum;
use crate::error::{Error, Result};
use crate::kernels::from_values;
use crate::posterior::read;
use burn::tensor::Tensor;

/// ln p(x | theta) up to a constant that does not depend on theta, and its gradient with respect to theta, (D); or what
/// went wrong, which ends training.
pub type Scored = std::result::Result<(f64, Vec<f64>), Box<dyn std::error::Error>>;

/// A function of one theta, (D) in physical units, and one observation, (W) as the set has it: zero with the uncertainty
/// one where it is masked. A number that is not finite makes the step one that is skipped.
pub type LikelihoodFunction = dyn Fn(&[f64], &Spectrum) -> Scored;

/// Calls it and makes sure that the gradient is one of the parameters called `names`.
///
/// # Errors
/// [`Error::Likelihood`] with the function's own message, or with the gradient's length.
pub fn score(
    likelihood: &LikelihoodFunction,
    theta: &[f64],
    x: &Spectrum,
    names: &[String],
) -> Result<(f64, Vec<f64>)> {
    let (value, gradient) = likelihood(theta, x).map_err(|e| Error::Likelihood(e.to_string()))?;
    if gradient.len() != theta.len() {
        let (came, expected, names) = (gradient.len(), theta.len(), names.join(", "));
        return Err(Error::Likelihood(format!(
            "a gradient of {came} numbers: expected {expected}, one each for {names}"
        )));
    }
    Ok((value, gradient))
}

/// What [`Likelihood::log_likelihood`](crate::simulators::Likelihood::log_likelihood) gives, by one read of the device:
/// value + gradient * (theta - theta), of which the second theta is taken as a constant, has the value of the first term
/// and the gradient of the second.
///
/// # Shapes
/// `theta`: (B * n, D), physical units, with the n rows of an observation together; `observed`: B. Returns (B * n).
///
/// # Errors
/// Those of [`score`]; [`Error::Device`] if the device fails.
pub async fn log_likelihood(
    likelihood: &LikelihoodFunction,
    theta: Tensor<2>,
    observed: &[Spectrum],
    names: &[String],
) -> Result<Tensor<1>> {
    let ([rows, d], device) = (theta.dims(), theta.device());
    let constant = theta.clone().detach();
    let at: Vec<f64> = read(constant.clone()).await?.into_iter().map(f64::from).collect();
    let (mut values, mut gradients) = (Vec::with_capacity(rows), Vec::with_capacity(rows * d));
    for (row, theta) in at.chunks_exact(d).enumerate() {
        let (value, gradient) = if theta.iter().all(|t| t.is_finite()) {
            score(likelihood, theta, &observed[row * observed.len() / rows], names)?
        } else {
            (f64::NAN, vec![f64::NAN; d]) // A network that diverges is not the function's business.
        };
        // All of the row, so that neither the loss nor its gradient is finite: half of it would be a wrong step.
        let finite = std::iter::once(&value).chain(&gradient).all(|&v| (v as f32).is_finite());
        let single = |v: f64| if finite { v as f32 } else { f32::NAN };
        values.push(single(value));
        gradients.extend(gradient.into_iter().map(single));
    }
    let value = from_values::<1>(values, [rows], &device);
    let gradient = from_values::<2>(gradients, [rows, d], &device);
    Ok(value + (gradient * (theta - constant)).sum_dim(1).reshape([rows]))
}
