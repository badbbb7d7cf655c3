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

/** What a check found for one parameter. */
export interface ParameterReport {
  /** Its name. */
  name: string;
  /** Whether its prior is one of the logarithm. */
  logarithmic: boolean;
  /** Posterior means and true values: their correlation, and the root mean square and the mean of their difference. */
  recovery: { correlation: number | null; rmse: number; bias: number };
  /** Coverage of the central intervals of 68 % and 95 %. */
  intervals: Coverage[];
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
  /** Coverage at the credibilities 1/20, 2/20, ..., 19/20. */
  coverage: Coverage[];
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
