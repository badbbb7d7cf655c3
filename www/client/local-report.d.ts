/** The report of a check at observations. `flowglass check --at OBSERVATION -o` writes the same report. */

/** The options of a check at observations; each has a default. */
export interface LocalCheckOptions {
  /** Number of simulations that are used, from the first row of the set; by default all. */
  n_simulations?: number;
  /**
   * Number of simulations that are compared at each observation, those whose data are nearest; by default five times
   * the square root of `n_simulations`.
   */
  n_near?: number;
  /** Number of trials with a right posterior; 999 by default. The smallest p-value is 1 / (n_trials + 1). */
  n_trials?: number;
  /** Seed of the trials, a whole number; 0 by default. */
  seed?: number;
}

/** Hooks of a check at observations. */
export interface LocalCheckHooks {
  /** Is called with the progress of the check: steps that are done, and steps in all. */
  onProgress?: (at: { done: number; steps: number }) => void;
}

/** A check at observations that runs. */
export interface LocalCheckRun {
  /** Ends the check now. Resolves when it is over, within about 2 s. */
  cancel(): Promise<void>;
  /** Says how the check ended, with the report, which is null after a cancel. Rejects if the check failed. */
  done: Promise<{ status: 'finished' | 'cancelled'; report: LocalReport | null }>;
}

/** Whether the posterior is right at B observations. */
export interface LocalReport {
  /** The options of the check. */
  options: { n_simulations: number; n_near: number; n_trials: number; seed: number };
  /** Reasons why the numbers may mean less than they seem to, one sentence each. */
  notes: string[];
  /** What was found at each observation, (B). */
  observations: AtObservation[];
}

/** Whether the posterior is right at one observation. */
export interface AtObservation {
  /**
   * How far the true values of the near simulations are from draws: the largest of some numbers that are about standard
   * normal if the posterior is right.
   */
  statistic: number;
  /** Probability of a statistic at least as large, if the posterior is right. */
  p_value: number;
  /** Probability that any of the observations has a statistic at least as large, if the posterior is right. */
  corrected_p_value: number;
  /** Share of the simulations that have nearer neighbors. Near 1, the observation is unlike the simulations. */
  farther: number;
  /** What is wrong with each parameter, (D). */
  parameters: ParameterAt[];
}

/** How the posterior of a parameter should change at an observation. */
export interface ParameterAt {
  /** Its name. */
  name: string;
  /** The move that the posterior should make, upwards, in its standard deviations. */
  shift: number;
  /** Standard error of `shift` if the posterior is right. */
  shift_error: number;
  /** How many times as wide the posterior should be. */
  width: number;
  /** Standard error of `width` if the posterior is right. */
  width_error: number;
  /**
   * Probability that chance makes such a change if the posterior is right, corrected for all that is looked at, at all
   * observations: for the shift, for the width.
   */
  p_values: [number, number];
  /** What the posterior is, if that p-value is at most 0.05. */
  says: ('too low' | 'too high' | 'too narrow' | 'too wide')[];
}
