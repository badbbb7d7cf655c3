//! The monotone network as one loop over numbers. The inverse evaluates the network many times with the same
//! parameters, which it computes once.

use super::{NetworkShape, Start};
use crate::kernels::scalar;
use crate::kernels::scalar_map::direction::Direction;
use crate::kernels::scalar_map::loops::map_numbers;

/// Largest number of units in a network: the loops have arrays of this length. The option
/// `autoregressive_transform_units` allows no more.
pub const MAX_UNITS: usize = 64;

/// Largest error, in x, of the Newton step that ends a search: less than f32 resolves near 1.
pub(crate) const EXACT: f32 = 3e-8;

/// Units that are summed side by side, so that compilers emit SIMD.
const LANES: usize = 8;

/// Maps m numbers with `raw`, m times the parameters of a network, in the layout of [`map_numbers`].
pub(crate) fn apply(x: &[f32], raw: &[f32], shape: NetworkShape, direction: Direction) -> Vec<f32> {
    let start = shape.start();
    map_numbers(x, raw, shape.parameters(), |x, raw| match shape.units {
        // For the default of 16 units the length is a constant, so that loops over units are unrolled.
        16 => one::<16>(x, &raw[..50], NetworkShape { units: 16, ..shape }, start, direction),
        _ => one::<MAX_UNITS>(x, raw, shape, start, direction),
    })
}

/// Maps one number: its value and log-det.
#[inline(always)]
fn one<const ROOM: usize>(x: f32, raw: &[f32], shape: NetworkShape, start: Start, direction: Direction) -> (f32, f32) {
    let network = Network::<ROOM>::new(raw, shape, start);
    match direction {
        Direction::Forward => {
            let at = network.at(x);
            (at.value, scalar::ln(at.slope))
        }
        Direction::Inverse => {
            let x = network.root(x, shape.bisection_steps);
            (x, -scalar::ln(network.at(x).slope))
        }
    }
}

/// The weights of one network; entries beyond its own units have a = 0.
pub(crate) struct Network<const ROOM: usize> {
    shift: f32,
    residual: f32,
    /// Amplitudes a_k.
    pub a: [f32; ROOM],
    /// Slopes b_k.
    pub b: [f32; ROOM],
    /// Offsets c_k.
    pub c: [f32; ROOM],
    /// Groups of [`LANES`] units in use.
    chunks: usize,
}

/// The network's value and derivatives at one x.
pub(crate) struct At {
    /// y.
    pub value: f32,
    /// dy/dx.
    pub slope: f32,
    /// d²y/dx².
    pub curve: f32,
}

impl<const ROOM: usize> Network<ROOM> {
    /// Computes the weights from the raw parameters.
    #[inline(always)]
    pub(crate) fn new(raw: &[f32], shape: NetworkShape, start: Start) -> Self {
        let u = shape.units;
        let (mut a, mut b, mut c) = ([0.0; ROOM], [0.0; ROOM], [0.0; ROOM]);
        let [raw_a, raw_b, raw_c] = [2, 2 + u, 2 + 2 * u].map(|from| &raw[from..from + u]);
        a.iter_mut().zip(raw_a).for_each(|(a, &raw)| *a = scalar::softplus(raw + start.amplitude as f32).0);
        b.iter_mut().zip(raw_b).for_each(|(b, &raw)| *b = scalar::softplus(raw + start.slope as f32).0);
        b[..u].iter_mut().for_each(|b| *b += shape.min_slope as f32);
        c.iter_mut().zip(raw_c).enumerate().for_each(|(k, (c, &raw))| *c = raw + shape.offset(k) as f32);
        let residual = scalar::softplus(raw[1] + start.residual as f32).0 + shape.min_residual as f32;
        Self { shift: raw[0], residual, a, b, c, chunks: u.div_ceil(LANES) }
    }

    /// The value and derivatives at `x`, summed lane by lane. The compiler drops what the caller does not use.
    #[inline(always)]
    pub(crate) fn at(&self, x: f32) -> At {
        let (mut value, mut slope, mut curve) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for from in (0..self.chunks * LANES).step_by(LANES) {
            let lanes = |weights: &[f32; ROOM]| -> [f32; LANES] {
                weights[from..from + LANES].try_into().expect("a slice of LANES weights")
            };
            let (a, b, c) = (lanes(&self.a), lanes(&self.b), lanes(&self.c));
            for l in 0..LANES {
                let (tanh, falling) = scalar::tanh(b[l] * x + c[l]);
                let rise = a[l] * b[l] * falling;
                value[l] += a[l] * tanh;
                slope[l] += rise;
                curve[l] += -2.0 * b[l] * tanh * rise;
            }
        }
        let total = |lanes: [f32; LANES]| lanes.iter().sum::<f32>();
        At {
            value: self.shift + self.residual * x + total(value),
            slope: self.residual + total(slope),
            curve: total(curve),
        }
    }

    /// Solves f(x) = y for x. Bisection shrinks the bracket that Σ a_k gives; one Newton step within the last bracket
    /// follows.
    ///
    /// Bisection ends early once that step is exact in f32. Its error is below max|f''| / (2 min f') h² for a bracket
    /// of half-width h. There f' is at least r, and |f''| is at most 0.77 Σ a_k b_k², because |tanh''| is at most 0.77.
    #[inline(always)]
    fn root(&self, y: f32, steps: usize) -> f32 {
        let middle = (y - self.shift) / self.residual;
        let half = self.a.iter().sum::<f32>() / self.residual;
        let curvature: f32 = self.a.iter().zip(&self.b).map(|(a, b)| a * b * b).sum();
        let newton = 0.385 * curvature / self.residual;
        let (mut low, mut high) = (middle - half, middle + half);
        for _ in 0..steps {
            let (x, half) = (0.5 * (low + high), 0.5 * (high - low));
            // The bracket may also have shrunk to neighbors in f32, which no halving can change.
            if newton * half * half < EXACT || x <= low || x >= high {
                break;
            }
            if self.at(x).value < y { low = x } else { high = x }
        }
        let root = 0.5 * (low + high);
        let at = self.at(root);
        let x = root - (at.value - y) / at.slope;
        let x = if x < low { low } else { x };
        if x > high { high } else { x }
    }
}
