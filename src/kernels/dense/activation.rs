//! The activations of a dense layer.

/// The function that is applied to the output of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// y.
    Identity,
    /// max(0, y).
    Relu,
    /// y Φ(y), where Φ is the normal distribution function (Hendrycks & Gimpel 2016).
    Gelu,
}
