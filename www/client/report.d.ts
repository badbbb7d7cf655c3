/** The report of a check of a model. `flowglass check -o` writes the same report. */

/** The options of a check; each has a default. */
export interface CheckOptions {
  /**
   * Largest number of simulations; by default all. These are the first ones of the set that the model was not trained
   * on. If it was trained on this set, they are the held-out rows.
   */
  n_simulations?: number;
  /** Number of draws for each simulation, at least 2; 1000 by default. */
  n_draws?: number;
  /** Seed of the draws, a whole number; 0 by default. */
  seed?: number;
  /** The built-in simulator that predicts observations; by default the one whose parameters and grid the set has. */
  simulator?: string;
}

/** How far a check is. */
export interface CheckProgress {
  /** Number of simulations that were checked so far. */
  done: number;
  /** Number of simulations in all. */
  n_simulations: number;
}

/** A check that runs. */
export interface CheckRun {
  /** Ends the check now. Resolves when it is over, within about 2 s. */
  cancel(): Promise<void>;
  /** Ends the check early, with a report on the simulations that were checked by then: at least two. */
  finish(): Promise<void>;
  /**
   * Says how the check ended, with the report, and a page with tables and plots as HTML. Both are null after a cancel.
   * Rejects if the check failed.
   */
  done: Promise<{ status: 'finished' | 'stopped' | 'cancelled'; report: Report | null; html: string | null }>;
}

/** Everything that a check of m simulations found. */
export interface Report {
  /** The options of the check. */
  options: { n_simulations: number; n_draws: number; seed: number };
  /** What the check says of the whole model, and what to do next. */
  verdict: Conclusion;
  /** Reasons why the numbers may mean less than they seem to, one sentence each. */
  notes: string[];
  /** Whether the simulations are held-out rows of the set that the model was trained on. */
  held_out: boolean;
  /** Number of simulations of the set that were left out because the model was trained on them. */
  left_out: number;
  /** Number of draws that were not finite; see `Draws.clamped`. */
  clamped: number;
  /** What was found for each parameter, (D). */
  parameters: ParameterReport[];
  /** The band in which the curve of the ranks of each parameter stays, if the posterior is calibrated. */
  band: { level: number; at: number[]; low: number[]; high: number[] };
  /** Regions of highest density. */
  highest_density: RegionReport;
  /** Balls around reference points that do not depend on the observation (TARP). */
  tarp_uniform: RegionReport;
  /** Balls around reference points that depend on the observation (TARP). */
  tarp_neighbor: RegionReport;
  /** Predictions of the observations; null if there is no simulator that makes them. */
  predictive: PredictiveReport | null;
  /** How well the flow is inverted; a number that is not finite is null. */
  stability: { max_abs_error: number | null; max_abs_log_det_closure: number | null; edge_share: number | null };
}

/** What a check says of the whole model. */
export interface Conclusion {
  /** Whether all verdicts on parameters and regions are right, and no edge of a prior is wrong. */
  is_right: boolean;
  /** Number of tests for which the p-values of the verdicts are corrected. */
  tests: number;
  /** Largest probability with which a right model is not called right: 0.01. */
  false_alarm: number;
  /** The parameters and regions that are not right, with their verdicts. */
  wrong: string[];
  /** The shells at edges of priors where draws are not as dense as the prior, a phrase each. */
  edges: string[];
  /** What was found, in a sentence without a full stop. */
  sentence: string;
  /** What to do next, in a sentence without a full stop. */
  next: string;
}

/** What a check says of a parameter or of a kind of regions. */
export interface Verdict {
  /** The verdict. Only the first two are not bad: `not_constrained` is right too, but as wide as the prior. */
  kind:
    | 'right'
    | 'not_constrained'
    | 'too_narrow'
    | 'too_wide'
    | 'shifted_down'
    | 'shifted_up'
    | 'wrong_shape'
    | 'wrong_at_lower_edge'
    | 'wrong_at_upper_edge';
  /**
   * How much: too narrow or too wide as a share of the right width, shifted in posterior standard deviations, at an edge
   * the density as a multiple of the prior's; null for other kinds.
   */
  size: number | null;
  /** Standard error of the size. */
  standard_error: number | null;
  /** The least p-value behind the verdict, corrected for the number of all tests, at most 1. */
  p_value: number;
  /** The verdict in words, such as `too narrow by 12 ± 3 %`. */
  words: string;
}

/** How dense the draws of all simulations together are in a shell at an edge of the prior of one parameter. */
export interface EdgeDensity {
  /** The edge. */
  edge: 'lower' | 'upper';
  /** The distances from the edge, in cumulative probability of the prior, between which the shell lies. */
  from: number;
  /** The larger distance. */
  to: number;
  /** Density of the draws as a multiple of the prior's: 1 if the posteriors are right. */
  density: number;
  /** Standard error of the density. */
  standard_error: number;
  /** Probability that chance makes a density as far from 1; null if fewer than 20 draws are expected. */
  p_value: number | null;
}

/** What a check found for one parameter. */
export interface ParameterReport {
  /** Its name. */
  name: string;
  /** Whether its prior is one of the logarithm. */
  logarithmic: boolean;
  /** What the numbers below say, corrected for the number of all tests. */
  verdict: Verdict;
  /** Posterior means and true values: their correlation, and the root mean square and the mean of their difference. */
  recovery: { correlation: number | null; rmse: number; bias: number };
  /** Coverage of the central intervals of 68 % and 95 %. */
  intervals: Coverage[];
  /** Whether the mean rank of the true values among the draws is the middle. */
  mean_rank: RankMoment;
  /** The mean squared distance of the ranks from the middle: above 0 the posterior is too narrow. */
  rank_spread: RankMoment;
  /**
   * Width of the 68 % intervals as a multiple of the width with which they would hold 68 % of the true values; null if
   * it is not finite.
   */
  width: { ratio: number | null; standard_error: number | null };
  /** Whether the ranks of the true values among the draws are uniform (simulation-based calibration). */
  sbc: Uniformity;
  /** Whether the curve of the same ranks stays in the band. */
  ecdf: EcdfDifference;
  /** Mean z-score. */
  z_mean: number;
  /** Root mean square of the z-scores: 1 if the posterior is right, less if it is too wide. */
  z_rms: number;
  /** Mean contraction: 1 - posterior variance / prior variance. */
  contraction: number | null;
  /**
   * How far the posteriors are from the prior: the mean of the largest difference of their cumulative distributions, less
   * what chance makes. 0 if the data tell nothing; null if the prior is not known.
   */
  prior_distance: number | null;
  /** Density of all draws at the edges of the prior; empty if the prior is not known. */
  edges: EdgeDensity[];
  /** The true values, (m). */
  truths: number[];
  /** Mean, median and standard deviation of the draws, (m) each. */
  estimates: { mean: number[]; median: number[]; std: number[] };
  /** Number of draws below the true value, (m). */
  ranks: number[];
  /** (mean - truth) / standard deviation, (m). */
  z_scores: number[];
  /** Contraction, (m). */
  contractions: (number | null)[];
}

/** What a check found for regions of all parameters together. */
export interface RegionReport {
  /** What the numbers below say, corrected for the number of all tests. */
  verdict: Verdict;
  /** Coverage at the credibilities 1/20, 2/20, ..., 19/20. */
  coverage: Coverage[];
  /** Whether the mean rank is the middle. */
  mean_rank: RankMoment;
  /** Whether the ranks are uniform. */
  uniformity: Uniformity;
  /** Whether the curve of the same ranks stays in the band. */
  ecdf: EcdfDifference;
  /** Number of draws that lie farther inside the region than the true values, (m). */
  ranks: number[];
}

/** The share of true values inside regions of one credibility. */
export interface Coverage {
  /** The credibility, which a calibrated posterior covers. */
  level: number;
  /** The share of true values that were inside. */
  coverage: number;
  /** Standard error of the coverage of a calibrated posterior, sqrt(level (1 - level) / m). */
  standard_error: number;
  /** (coverage - level) / standard_error: above 0 the posterior is too wide. */
  deviation: number;
  /** Probability that a calibrated posterior is as far off by chance. */
  p_value: number;
}

/** How far a moment of ranks is from that of uniform ranks. */
export interface RankMoment {
  /** The distance in standard errors. A mean below 0 says that the posterior lies too high. */
  deviation: number;
  /** Probability that the moment of uniform ranks is as far off by chance. */
  p_value: number;
}

/** How far ranks are from uniform (Kolmogorov-Smirnov). */
export interface Uniformity {
  /** Largest distance between their cumulative distribution and the uniform one. */
  statistic: number;
  /** Probability that uniform ranks are as far off by chance. */
  p_value: number;
}

/** The curve of some ranks, and whether it stays in the band. */
export interface EcdfDifference {
  /** The curve: at each point of the band, the share of ranks below it minus the point itself. */
  difference: number[];
  /** Whether the whole curve is inside the band. */
  inside: boolean;
  /** Probability that the curve of calibrated ranks comes as close to the band's edge. */
  p_value: number;
}

/** Predictions of the observations by draws of the posterior. */
export interface PredictiveReport {
  /** The simulator that predicted. */
  simulator: string;
  /** Number of predictions of each observation. */
  n_predictions: number;
  /** Share of observations with a p-value below 0.05; at most 0.1 if the posterior is right, but for chance. */
  below_5_percent: number;
  /**
   * For each observation, (m): its mean squared distance from the predictions, in units of their variance, and the
   * p-value of this distance.
   */
  each: { discrepancy: number; p_value: number }[];
}
