//! Transmission spectrum of a hot gas giant with an isothermal atmosphere, as JWST's NIRSpec PRISM would see it.
//!
//! # The formula
//!
//! Gas in hydrostatic equilibrium at one temperature thins out as exp(-z / H), with the scale height H = k T / (mu g).
//! A ray that passes the planet's center at r = R0 + z crosses the optical depth (Lecavelier des Etangs et al. 2008;
//! de Wit & Seager 2013)
//!
//! tau(z) = tau0 exp(-z / H),   tau0 = (kappa P0 / g) sqrt(2 pi R0 / H),
//!
//! where kappa is the opacity per mass: the cross-section per particle over the mean particle mass mu. If no deck is
//! reached, integrating 1 - exp(-tau) over the limb gives
//!
//! R = R0 + H (gamma_E + ln tau0)   (Heng & Kitzmann 2017), in the limit of tau0 >> 1.
//!
//! # The cloud deck
//!
//! The deck is gray and opaque below the pressure Pc, that is below Rc = R0 + H ln(P0 / Pc). The same integral from Rc
//! upward, with tau_c = tau0 Pc / P0 and to first order in (R - Rc) / Rc, is
//!
//! R - Rc = int_0^inf (1 - exp(-tau_c exp(-z / H))) dz = H int_0^tau_c (1 - exp(-t)) / t dt = H Ein(tau_c),
//!
//! and Ein(t) = gamma_E + ln t + E1(t). For tau_c >> 1 the result is the formula above, for every Pc; for tau_c << 1 it
//! is Rc. So the deck is an exact, smooth maximum, not a fitted one. The first order leaves out the curvature of the
//! limb. On the default planet, that is below 40 ppm of depth, and largest in the strongest bands (a test compares it
//! with the exact integral).
//!
//! # What is stylized
//!
//! The opacities are stylized (see [`opacity`]), and do not depend on pressure. Temperature, abundances, gravity and
//! the mean particle mass are the same everywhere. The mean particle mass does not depend on the abundances either:
//! with all four at their upper prior bounds, the true one would be 1.4 times as high.
//!
//! # References
//!
//! Lecavelier des Etangs, Pont, Vidal-Madjar & Sing 2008, A&A 481, L83. de Wit & Seager 2013, Science 342, 1473. Heng &
//! Kitzmann 2017, MNRAS 470, 2972. Planet and star: Mancini et al. 2018, A&A 613, A41.

pub mod opacity;
mod simulator;
mod spectrum;
mod tensors;

pub use simulator::Transit;
pub use spectrum::{
    GRAVITY, JUPITER_RADIUS, MEAN_PARTICLE_MASS, N_WAVELENGTHS, NOISE_LEVEL, NOISE_MINIMUM, PARAMETERS,
    REFERENCE_PRESSURE, STAR_RADIUS, WASP_39B, WAVELENGTH_RANGE, depth, radius, scale_height, uncertainty, wavelengths,
};
