/** What an observation is to a model: whether the model can make it, what it told, and draws of its posterior. */

/** Points of an observation that are off together. Points of photometry follow those of the spectrum. */
export interface Stretch {
  /** Index of the first point. */
  first: number;
  /** Index of the last point. */
  last: number;
  /** How far they are off together, in standard deviations. */
  off: number;
}

/** Whether a model can make an observation. */
export interface Misfit {
  /** The probability that a simulation looks at least as unlike the training data. Uniform for fresh simulations. */
  p_value: number;
  /**
   * The scores behind it, as p-values: the scatter of the points, the stretch of points that is off by most, the factors
   * of the data, and the embedding; where the simulator is built in, scatter and stretch about its predictions too.
   */
  scores: {
    residuals: number;
    stretch: number;
    factors: number;
    embedding: number;
    simulated_residuals?: number;
    simulated_stretch?: number;
  };
  /** The scatter of the points about what the model can make, as a multiple of what it should be. */
  scatter: number;
  /** Stretches that are off by more than all but 1 % of simulations have, the worst first. */
  odd: Stretch[];
  /** Number of held-out simulations behind the p-value, which cannot be below 1 / (number + 1). */
  n_simulations: number;
  /** Whether the p-value is below 1 %: do not trust the posterior. */
  is_rare: boolean;
  /** All of this as a sentence, without its full stop. */
  words: string;
}

/** What an observation told of a parameter. */
export interface Learned {
  /**
   * The information gain in bits: the Kullback-Leibler divergence of the posterior of this parameter from its prior.
   * One bit halves a uniform prior. An estimate of 0 may lie a little below 0.
   */
  gain: number;
  /** The standard error of `gain`. */
  gain_error: number;
  /** 1 - posterior variance / prior variance, in physical units. */
  contraction: number;
  /** Whether the data told nothing: `gain` is below two of its standard errors, or below 0.05 bits. */
  is_nothing: boolean;
}

/** Posterior draws. */
export interface Draws {
  /** The draws, row-major (n, D); of B observations (B, n, D). */
  draws: Float64Array;
  /** Number of draws for each observation. */
  n: number;
  /** Number of parameters, D. */
  d: number;
  /** The seed. The same seed gives the same draws. */
  seed: number;
  /**
   * Number of draws that were not finite. They were replaced by finite ones far outside the training data: at the edge
   * of the prior, unless the flow models physical coordinates.
   */
  clamped: number;
  /**
   * How many draws lay outside of the priors and were drawn anew, all tries together. A flow that models physical
   * coordinates can leave the priors, and one with mirrors can reach beyond what a mirror folds back.
   */
  rejected: number;
  /** Number of draws that still lie outside of the priors, since fewer than 1 % of the draws lie inside. */
  outside: number;
  /** A sentence for each parameter without a prior of which more than 1 % of the draws lie beyond the training set. */
  notes: string[];
}

/** Posterior draws with importance weights. In the limit of many draws, weighted draws follow the exact posterior. */
export interface WeightedDraws {
  /** The draws, row-major (n, D), in physical units. */
  draws: Float64Array;
  /** Their weights, (n), which add up to 1. The largest ones are smoothed (Pareto smoothed importance sampling). */
  weights: Float64Array;
  /** Number of draws. */
  n: number;
  /** Number of parameters, D. */
  d: number;
  /** The seed. */
  seed: number;
  /** Effective sample size, 1 / Σ weight²: how many draws of the exact posterior these are worth. */
  effective_sample_size: number;
  /** The largest weight. */
  largest_weight: number;
  /**
   * The shape k-hat of the Pareto distribution of the largest weights: above the smaller of 0.7 and 1 - 1 / log10(n),
   * no number here can be relied on. -Infinity if the largest weights are equal; null if it cannot be estimated.
   */
  pareto_k: number | null;
  /** ln p(observation), the evidence. */
  log_evidence: number;
  /** Its interval, low and high; null if the weights do not bear one. */
  log_evidence_interval: Float64Array | null;
  /** Why there is no interval, as a sentence; null if there is one, or if prior and likelihood exclude every draw. */
  caution: string | null;
}
