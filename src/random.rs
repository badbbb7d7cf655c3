//! Random numbers, made on the CPU by a counter-based generator (ChaCha8), so that a seed gives the same numbers on
//! every device.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Binomial, Distribution, Open01, StandardNormal, StandardUniform, StudentT, Uniform};

/// The largest seed that JavaScript, the command line and options accept. JavaScript's numbers are exact up to here;
/// above it two seeds could be one number.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// The purpose of a stream of random numbers. Each purpose has a stream of its own, so that a further draw for one
/// purpose does not change the numbers of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The initial weights.
    Initialization,
    /// The split into training and validation.
    Split,
    /// The permutations between layers.
    Permutation,
    /// The places of values on point masses in their intervals in training step `n`. Validation has the largest number.
    Spread(u32),
    /// The order of the simulations in epoch `n`.
    Shuffle(u32),
    /// Noise on the batch of training step `n`.
    Noise(u32),
    /// Base-space draws of the evidence lower bound in training step `n`. Validation counts its batches down from the
    /// largest number, so that it shares no stream with training.
    Elbo(u32),
    /// Base-space draws for observation `n` of a batch.
    Sampling(u32),
    /// Base-space draws for observation `n` that replace draws outside of the priors.
    Redrawing(u32),
    /// Base-space draws that measure which share of the draws lies inside of the priors.
    Acceptance,
    /// Simulation `n` of a set.
    Simulation(u32),
    /// A diagnostic.
    Diagnostic(Diagnostic),
}

/// The purpose of the random numbers of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnostic {
    /// Ranks of a calibrated posterior, with which the ranks of a model are compared.
    Band,
    /// Reference points of regions whose coverage is measured.
    Reference,
    /// Predictions for simulation `n`.
    Prediction(u32),
    /// Base-space draws that measure how well the flow is inverted.
    RoundTrip,
    /// Noise on simulations that have none, with which a model compares observations.
    Misfit,
    /// Parameters at which the gradient of a likelihood is compared with differences of its value.
    Gradient,
    /// Base-space points of simulation `n` under a posterior that is right.
    Null(u32),
    /// The member of an ensemble that gives the base-space point of a truth.
    Member,
    /// The places of values on point masses in their intervals, for simulation `n`.
    Spread(u32),
}

/// A generator of random numbers. The caller carries it, so that no state is hidden.
#[derive(Debug, Clone)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream of `seed` for `purpose`.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(match purpose {
            Purpose::Initialization => 1,
            Purpose::Split => 2,
            Purpose::Permutation => 3,
            Purpose::Shuffle(epoch) => (1 << 32) | u64::from(epoch),
            Purpose::Elbo(step) => (5 << 32) | u64::from(step),
            Purpose::Spread(step) => (7 << 32) | u64::from(step),
            Purpose::Noise(step) => (4 << 32) | u64::from(step),
            Purpose::Sampling(observation) => (2 << 32) | u64::from(observation),
            Purpose::Simulation(row) => (3 << 32) | u64::from(row),
            Purpose::Redrawing(observation) => (6 << 32) | u64::from(observation),
            Purpose::Acceptance => 4,
            Purpose::Diagnostic(Diagnostic::Band) => 0x10 << 32,
            Purpose::Diagnostic(Diagnostic::Reference) => 0x11 << 32,
            Purpose::Diagnostic(Diagnostic::Prediction(row)) => (0x12 << 32) | u64::from(row),
            Purpose::Diagnostic(Diagnostic::RoundTrip) => 0x13 << 32,
            Purpose::Diagnostic(Diagnostic::Gradient) => 0x14 << 32,
            Purpose::Diagnostic(Diagnostic::Misfit) => 0x17 << 32,
            Purpose::Diagnostic(Diagnostic::Null(row)) => (0x15 << 32) | u64::from(row),
            Purpose::Diagnostic(Diagnostic::Member) => 0x16 << 32,
            Purpose::Diagnostic(Diagnostic::Spread(row)) => (0x18 << 32) | u64::from(row),
        });
        Self(rng)
    }

    /// Part `part` of the stream of `seed` for `purpose`. Parts are so long, a million words, that they do not overlap.
    pub fn part(seed: u64, purpose: Purpose, part: u64) -> Self {
        let mut random = Self::new(seed, purpose);
        random.0.set_word_pos(u128::from(part) << 20);
        random
    }

    /// `n` standard normal numbers.
    pub fn normal(&mut self, n: usize) -> Vec<f32> {
        StandardNormal.sample_iter(&mut self.0).take(n).collect()
    }

    /// `n` numbers of the standard logistic distribution, ln(u / (1 - u)) for uniform u. They are computed in f64, so
    /// that the tails reach to ±36.
    pub fn logistic(&mut self, n: usize) -> Vec<f32> {
        let uniform = Distribution::<f64>::sample_iter(Open01, &mut self.0);
        uniform.take(n).map(|u| (u.ln() - (-u).ln_1p()) as f32).collect()
    }

    /// `n` numbers of Student's t distribution.
    ///
    /// # Panics
    /// If `degrees_of_freedom` is not above zero.
    pub fn student_t(&mut self, n: usize, degrees_of_freedom: f64) -> Vec<f32> {
        let distribution = StudentT::new(degrees_of_freedom).expect("degrees of freedom are positive");
        distribution.sample_iter(&mut self.0).take(n).map(|v| v as f32).collect()
    }

    /// `n` uniform numbers in `[-limit, limit)`.
    pub fn uniform(&mut self, n: usize, limit: f32) -> Vec<f32> {
        let distribution = Uniform::new(-1.0_f32, 1.0).expect("-1 is below 1");
        distribution.sample_iter(&mut self.0).take(n).map(|v| v * limit).collect()
    }

    /// A uniform number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        StandardUniform.sample(&mut self.0)
    }

    /// The number of events that happen, out of `n` events of probability `p` each.
    ///
    /// # Panics
    /// If `p` is not from 0 to 1.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        Binomial::new(n, p).expect("a probability").sample(&mut self.0)
    }

    /// The numbers `0..n` in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut self.0);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_purpose_give_the_same_numbers() {
        let draw = || Random::new(1, Purpose::Sampling(0)).normal(4);
        assert_eq!(draw(), draw());
    }

    #[test]
    fn another_seed_or_purpose_gives_other_numbers() {
        let draw = |seed, purpose| Random::new(seed, purpose).normal(4);
        assert_ne!(draw(1, Purpose::Sampling(0)), draw(1, Purpose::Sampling(1)));
        assert_ne!(draw(1, Purpose::Sampling(0)), draw(2, Purpose::Sampling(0)));
    }

    #[test]
    fn golden_numbers_hold_on_every_platform() {
        // These are numbers of this generator. They may change only together with the format version of models.
        let stream = || Random::new(7, Purpose::Sampling(0));
        assert_eq!(stream().permutation(8), [7, 2, 3, 0, 1, 6, 4, 5]);
        assert_eq!(stream().uniform(4, 2.0), [-1.0252228, -0.16783428, 0.45743608, 1.3573108]);
        // The tails of the normal go through exp and ln, which platforms round differently.
        let normal = stream().normal(4);
        let golden = [-0.080_023_51, 1.362_225_2, -0.057_069_328, 0.309_568_76];
        assert!(normal.iter().zip(golden).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6), "{normal:?}");
        let order = Random::new(7, Purpose::Shuffle(3)).permutation(6);
        assert_eq!(order, [0, 3, 5, 1, 4, 2]);
    }
}
