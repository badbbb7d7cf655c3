//! What is kept of the simulations as arrays of a model file.

use super::emulator::{self, Emulator};
use super::factors::Factors;
use super::null::{self, Null};
use super::reference::{Misfit, Score};

/// Number of arrays.
const ARRAYS: usize = 12;

/// The arrays, in the order of [`MisfitSizes::shapes`].
pub type MisfitArrays = [Vec<f32>; ARRAYS];

/// The sizes from which the shapes of the arrays follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MisfitSizes {
    /// Points of an observation: of its spectrum and its photometry, P.
    pub points: usize,
    /// Numbers of an embedding, E.
    pub embedding: usize,
    /// Factors of the data, K.
    pub data_factors: usize,
    /// Factors of the embeddings, L.
    pub embedding_factors: usize,
    /// Parameters, D.
    pub parameters: usize,
    /// Degree of the emulator's polynomial; 0 without an emulator.
    pub emulator_degree: usize,
    /// Whether predictions of a simulator give two scores more.
    pub has_simulator: bool,
    /// Held-out simulations behind the distributions of the scores.
    pub n_simulations: usize,
}

impl MisfitSizes {
    /// Names and shapes of the arrays.
    pub fn shapes(&self) -> [(&'static str, Vec<usize>); ARRAYS] {
        let (p, e, kept) = (self.points, self.embedding, null::kept(self.n_simulations));
        let terms = match self.emulator_degree {
            0 => 0,
            degree => emulator::terms(self.parameters, degree),
        };
        [
            ("data.center", vec![p]),
            ("data.scale", vec![p]),
            ("data.rest", vec![p]),
            ("data.loadings", vec![self.data_factors, p]),
            ("embedding.center", vec![e]),
            ("embedding.scale", vec![e]),
            ("embedding.rest", vec![e]),
            ("embedding.loadings", vec![self.embedding_factors, e]),
            ("scores", vec![Score::count(self.has_simulator), kept]),
            ("rarest", vec![kept]),
            ("emulator.coefficients", vec![terms, self.data_factors]),
            ("emulator.errors", vec![if terms > 0 { p } else { 0 }]),
        ]
    }
}

impl Misfit {
    /// The sizes of the arrays.
    pub fn sizes(&self) -> MisfitSizes {
        MisfitSizes {
            points: self.data.points(),
            embedding: self.embedding.points(),
            data_factors: self.data.count(),
            embedding_factors: self.embedding.count(),
            parameters: self.emulator.as_ref().map_or(0, |emulator| emulator.dim),
            emulator_degree: self.emulator.as_ref().map_or(0, |emulator| emulator.degree),
            has_simulator: self.simulator.is_some(),
            n_simulations: self.rarest.count(),
        }
    }

    /// The arrays, in the order of [`MisfitSizes::shapes`].
    pub fn arrays(&self) -> MisfitArrays {
        let of =
            |Factors { center, scale, rest, loadings }: &Factors| [center, scale, rest, loadings].map(Clone::clone);
        let ([a, b, c, d], [e, f, g, h]) = (of(&self.data), of(&self.embedding));
        let scores = self.scores.iter().flat_map(|null| null.scores().to_vec()).collect();
        let emulator = self.emulator.as_ref();
        let [coefficients, errors] =
            emulator.map(|own| [&own.coefficients, &own.errors].map(Clone::clone)).unwrap_or_default();
        [a, b, c, d, e, f, g, h, scores, self.rarest.scores().to_vec(), coefficients, errors]
    }

    /// What these arrays, of the shapes that `sizes` says, keep of the simulations. `None` if a scale is not positive, a
    /// variance is negative, or scores do not ascend.
    pub fn stored(sizes: &MisfitSizes, arrays: MisfitArrays, simulator: Option<String>) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, scores, rarest, coefficients, errors] = arrays;
        let factors = |center, scale: Vec<f32>, rest: Vec<f32>, loadings| {
            let sound = scale.iter().all(|s| *s > 0.0) && rest.iter().all(|v| *v >= 0.0);
            sound.then_some(Factors { center, scale, rest, loadings })
        };
        let MisfitSizes { parameters: dim, emulator_degree: degree, n_simulations: n, .. } = *sizes;
        let emulator = (degree > 0).then_some(Emulator { dim, degree, coefficients, errors });
        if emulator.as_ref().is_some_and(|emulator| emulator.errors.iter().any(|e| *e < 0.0)) {
            return None;
        }
        let each = rarest.len();
        let stored = |k: usize| Null::stored(n, scores.get(k * each..(k + 1) * each)?.to_vec());
        Some(Self {
            data: factors(a, b, c, d)?,
            embedding: factors(e, f, g, h)?,
            emulator,
            simulator,
            scores: (0..Score::count(sizes.has_simulator)).map(stored).collect::<Option<_>>()?,
            rarest: Null::stored(n, rarest)?,
        })
    }
}
