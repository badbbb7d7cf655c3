//! A likelihood that is a function of the caller, for simulators without tensors. The function returns a value and a
//! gradient. It may be a Rust closure or a JavaScript function.

use crate::data::Spectrum;
use crate::error::{Error, Result, counted};
use crate::kernels::from_values;
use crate::posterior::read;
use burn::tensor::Tensor;

/// ln p(x | theta) up to a constant that does not depend on theta, and its gradient with respect to theta, (D). An
/// error ends training.
pub type Scored = std::result::Result<(f64, Vec<f64>), Box<dyn std::error::Error>>;

/// A function of one theta, (D) in physical units, and one observation, (W) in the units of the set. A masked point is
/// zero and has the uncertainty one. If the function returns a number that is not finite, the step of training is
/// skipped.
pub type LikelihoodFunction = dyn Fn(&[f64], &Spectrum) -> Scored;

/// Calls `likelihood` and makes sure that its gradient has one number for each of the parameters `names`.
///
/// # Errors
/// [`Error::Likelihood`] with the function's own message, or with the length of a wrong gradient.
pub(crate) fn score(
    likelihood: &LikelihoodFunction,
    theta: &[f64],
    x: &Spectrum,
    names: &[String],
) -> Result<(f64, Vec<f64>)> {
    let (value, gradient) = likelihood(theta, x).map_err(|e| Error::Likelihood(e.to_string()))?;
    if gradient.len() != theta.len() {
        let (came, expected, names) = (counted(gradient.len(), "number"), theta.len(), names.join(", "));
        return Err(Error::Likelihood(format!("a gradient of {came}: expected {expected}, one each for {names}")));
    }
    Ok((value, gradient))
}

/// [`Likelihood::log_likelihood`](crate::simulators::Likelihood::log_likelihood) for a function, with one read of the
/// device. The result is value + gradient * (theta - constant), where constant is theta without its gradient: it has
/// the value of the first term, and the gradient of the second.
///
/// # Shapes
/// `theta`: (B * n, D), physical units, the n rows of an observation contiguous; `observed`: B observations. Returns
/// (B * n).
///
/// # Errors
/// The errors of [`score`]; [`Error::Device`] if the device fails.
pub(crate) async fn log_likelihood(
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
            // The network has diverged. The function is not called with such a theta.
            (f64::NAN, vec![f64::NAN; d])
        };
        // If one number of the row is not finite, all of them become NaN, so that the step is skipped. A step with some
        // numbers of the row would be wrong.
        let finite = std::iter::once(&value).chain(&gradient).all(|&v| (v as f32).is_finite());
        let single = |v: f64| if finite { v as f32 } else { f32::NAN };
        values.push(single(value));
        gradients.extend(gradient.into_iter().map(single));
    }
    let value = from_values::<1>(values, [rows], &device);
    let gradient = from_values::<2>(gradients, [rows, d], &device);
    Ok(value + (gradient * (theta - constant)).sum_dim(1).reshape([rows]))
}
