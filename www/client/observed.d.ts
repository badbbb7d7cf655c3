/** What an observation is to a model: whether the model can make it, and what it told. */

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
