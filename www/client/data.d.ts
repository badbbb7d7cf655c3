/** Simulations, observations, priors and models, as plain data. */
import type { Learned } from './observed.d.ts';
import type { TrainingOptions } from './options.d.ts';
import type { ModelOrigin, TrainingVerdict } from './training.d.ts';

/** Numbers, in a typed array or a plain one. */
export type Numbers = ArrayLike<number>;

/** The prior of one parameter, in its physical units. */
export interface Prior {
  /** The family; `none` if it is not known, and then only the physical parameter space can be used. */
  kind: 'uniform' | 'log_uniform' | 'normal' | 'log_normal' | 'none';
  /** Lower bound of a `uniform` or `log_uniform` prior. */
  low?: number;
  /** Upper bound of a `uniform` or `log_uniform` prior. */
  high?: number;
  /** Mean of a `normal` prior; of a `log_normal` prior, the mean of ln theta. */
  mean?: number;
  /** Standard deviation of a `normal` prior; of a `log_normal` prior, that of ln theta. */
  std?: number;
}

/** How the rows of a set lie in the prior of one parameter. */
export interface PriorFit {
  /** Rows below the support of the prior. */
  below: number;
  /** Rows on the lower bound, up to rounding to single precision. */
  on_low: number;
  /** Rows in the lowest thousandth of the prior, but not on the bound. */
  near_low: number;
  /** Rows in the highest thousandth of the prior, but not on the bound. */
  near_high: number;
  /** Rows on the upper bound, up to rounding to single precision. */
  on_high: number;
  /** Rows above the support of the prior. */
  above: number;
  /** Number of distinct values. */
  distinct: number;
  /** Whether the parameter takes a few values only. */
  is_discrete: boolean;
  /**
   * The value `theta` below which the share of the rows inside the bounds and the probability of the prior differ most,
   * and the probability of such a difference by chance (Kolmogorov-Smirnov test). Null without a prior, and for a
   * parameter that is discrete or constant.
   */
  difference: { theta: number; rows: number; prior: number; p_value: number } | null;
  /** Whether the rows inside the bounds may follow the prior, as far as it was tested. */
  fits: boolean;
  /** If they do not: the prior with the same numbers, but with or without the logarithm, if they follow that one. */
  other: Prior | null;
  /** The number of rows far from all others and the farthest value, if there are any and the prior has no bounds. */
  outliers: { rows: number; farthest: number } | null;
}

/** Photometry: F fluxes or magnitudes, in the units of the simulations. */
export interface Photometry {
  /** The values, (F). */
  values: Float32Array;
  /** Their standard deviations, (F). */
  sigma?: Float32Array;
  /** 1 where a band is masked, else 0, (F). */
  mask?: Uint8Array;
  /** Central wavelengths of the bands or their names, (F). */
  bands?: Float64Array | string[];
}

/** One observation: a spectrum of W points, photometry, or both, in the units of the simulations. */
export interface Observation {
  /** The spectrum's values, (W); absent if there is only photometry. */
  values?: Float32Array;
  /** Their standard deviations, (W). */
  sigma?: Float32Array;
  /** 1 where a point is masked, else 0, (W). */
  mask?: Uint8Array;
  /** The grid, (W), increasing. */
  wavelengths?: Float64Array;
  /** The photometry. */
  photometry?: Photometry;
}

/** An observation as a caller may write it: plain arrays serve as well as typed ones. */
export interface ObservationInput {
  /** The spectrum's values, (W). */
  values?: Numbers;
  /** Their standard deviations, (W). */
  sigma?: Numbers;
  /** Not zero where a point is masked, (W). */
  mask?: Numbers;
  /** The grid, (W). */
  wavelengths?: Numbers;
  /** The photometry. */
  photometry?: { values: Numbers; sigma?: Numbers; mask?: Numbers; bands?: Numbers | string[] };
}

/** An observation, or its embedding as `encodeObservation` gives it, (E). */
export type Condition = ObservationInput | Float32Array;

/** A row of a set. */
export interface SetRow {
  /** The parameters, (D), in physical units. */
  theta: Float64Array;
  /** The observation that was simulated with them. */
  observation: Observation;
}

/** An array in a file. */
export interface ArrayInfo {
  /** Its name in the file. */
  name: string;
  /** Its shape. */
  shape: number[];
  /** Its type in NumPy's words, such as `<f8` or `|b1`. */
  dtype: string;
  /** The role it plays, such as `theta`; null if it is not used. */
  role: string | null;
}

/**
 * The roles of arrays, for a file in which the names of the arrays do not say them. Each value is the name of an array;
 * in a CSV it is a list of columns, `a,b` or `a..d`.
 */
export interface Assignment {
  /** Parameters, (N, D). */
  theta?: string;
  /** Spectra, (N, W). */
  x?: string;
  /** Standard deviations of the spectra, (N, W), (W) or a scalar. */
  sigma?: string;
  /** Not zero where a point is masked, (N, W). */
  mask?: string;
  /** The grid of the spectra, (W). */
  wavelengths?: string;
  /** Photometry, (N, F). */
  photometry?: string;
  /** Standard deviations of the photometry, (N, F), (F) or a scalar. */
  photometry_sigma?: string;
  /** Not zero where a band is masked, (N, F). */
  photometry_mask?: string;
  /** Names or central wavelengths of the bands, (F). */
  bands?: string;
  /** Lower bounds of uniform and log-uniform priors, (D). */
  prior_low?: string;
  /** Upper bounds of uniform and log-uniform priors, (D). */
  prior_high?: string;
  /** Means of normal priors; of log-normal priors, the means of ln theta, (D). */
  prior_mean?: string;
  /** Standard deviations of normal priors; of log-normal priors, those of ln theta, (D). */
  prior_std?: string;
  /** Kinds of the priors, text, (D) or one for all. */
  prior_kind?: string;
  /** Names of the parameters, text, (D). */
  parameter_names?: string;
  /** Priors by the names of their parameters. Each one is used instead of the prior in the file, if that has one. */
  priors?: Record<string, Prior>;
}

/** Smallest and largest of some numbers; null if there are none. */
export type NumberRange = [low: number, high: number] | null;

/** A simulation set, as it was read. */
export interface SetSummary {
  /** The file's name. */
  file: string;
  /** Number of simulations, N. */
  n: number;
  /** Number of parameters, D. */
  parameter_dim: number;
  /** Name, prior and range of each parameter, and how the rows lie in the prior, (D). */
  parameters: { name: string; prior: Prior; range: NumberRange; fit: PriorFit }[];
  /** Points of a spectrum, W; 0 if there is only photometry. */
  n_wavelengths: number;
  /** Smallest and largest value of the spectra, without masked points. */
  x_range: NumberRange;
  /** Whether the spectra have standard deviations. */
  has_sigma: boolean;
  /** Smallest and largest standard deviation of the spectra. */
  sigma_range: NumberRange;
  /** Whether points of the spectra can be masked. */
  has_mask: boolean;
  /** Share of the spectra's points that are masked; null if none can be. */
  masked_share: number | null;
  /** Whether the spectra have a grid. */
  has_wavelengths: boolean;
  /** The grid, (W). */
  wavelengths: number[] | null;
  /** Smallest and largest wavelength of the grid. */
  wavelength_range: NumberRange;
  /** Bands of the photometry, F; null if there is none. */
  n_bands: number | null;
  /** Names or central wavelengths of the bands, (F); null if they are not given. */
  bands: string[] | number[] | null;
  /** Number of simulations that have photometry; null if none has. */
  rows_with_photometry: number | null;
  /** Simulations that were left out because one of their numbers is not finite. */
  dropped_rows: number;
  /**
   * What a user should know about the file and how it was read, one note each. A flag `--prior NAME=KIND:A:B` in a note
   * is `priors` of `Assignment` here.
   */
  notes: string[];
  /** Every array of the file, also those without a role. */
  arrays: ArrayInfo[];
  /** A hash over its shapes and values, in hexadecimal: that of the set that a model was trained on is in its `dataset`. */
  fingerprint: string;
  /** Every option at its default, or at another value if this set does not allow the default. */
  config: Config;
  /** Every option at the value that is recommended for accuracy with a set of this size. */
  accurate: Config;
}

/** Every training option by its name; `options()` says what each means. */
export type Config = Required<TrainingOptions>;

/** One epoch of training. */
export interface EpochRecord {
  /** The member of the ensemble that was trained, from 1. */
  member: number;
  /** The epoch, from 1. */
  epoch: number;
  /** Mean training loss, in nats; null if every batch was skipped. */
  train_loss: number | null;
  /**
   * Mean loss over the held-out simulations, in nats; null if none are held out. A simulation whose loss is not finite
   * counts with 87.3 nats, or with the largest loss of another one if that is larger.
   */
  validation_loss: number | null;
  /** Standard error of `validation_loss`; only with two or more held-out simulations. */
  validation_error?: number;
  /** Number of held-out simulations whose loss is not finite; only if there are any. */
  validation_lost?: number;
  /** Step size at the end of the epoch. */
  learning_rate: number;
  /** Mean norm of the gradient before it is clipped; null if every batch was skipped. */
  gradient_norm: number | null;
  /** Batches that were skipped because a number was not finite. */
  skipped: number;
  /** How well the flow was inverted; only if a `stable_...` option has a threshold. */
  stability?: EpochStability;
  /** Other measurements; only if `verbose_diagnostics` or `diagnostics_output_directory` is set. */
  diagnostics?: Record<string, unknown>;
}

/** How well the flow was inverted after an epoch. */
export interface EpochStability {
  /** Largest error in base space after inverse and forward; null if it is not finite. */
  max_abs_error: number | null;
  /** Largest sum of the log-determinants of inverse and forward, which should be 0; null if it is not finite. */
  max_abs_log_det_closure: number | null;
  /** Share of draws on the edge of the prior; null if it is not finite. */
  edge_share: number | null;
  /** Whether all three are within the thresholds of the options. */
  stable: boolean;
}

/** A model, described without its weights. */
export interface ModelSummary {
  /**
   * Name, prior and point masses of each parameter, (D). Point masses are values with their shares of the simulations;
   * null if it has none.
   */
  parameters: {
    name: string;
    prior: Prior;
    point_masses: { at: number[]; shares: number[]; range: [number, number] } | null;
  }[];
  /** Points of a spectrum, W; 0 if the model reads only photometry. */
  n_wavelengths: number;
  /** The grid that it was trained on, (W); null if there was none. */
  wavelengths: Float64Array | null;
  /** Whether it reads standard deviations of the spectrum. */
  has_sigma: boolean;
  /** Whether it reads a mask of the spectrum. */
  has_mask: boolean;
  /** Whether an observation may lack its spectrum. */
  spectrum_may_be_absent: boolean;
  /** The photometry that the model reads; null if it reads none. */
  photometry: PhotometrySummary | null;
  /** Coordinates that the flow models. */
  parameter_space: Space;
  /** Every option, as it was when the model was trained. */
  config: Config;
  /** The training, epoch by epoch. */
  history: EpochRecord[];
  /** The epoch whose weights were kept, from 1; null if no epoch ended. */
  best_epoch: number | null;
  /** The validation loss of that epoch, in nats. */
  best_validation_loss: number | null;
  /** Its standard error, in nats; null if it is not known. */
  best_validation_error: number | null;
  /** How far it is too low because it is the best of several epochs, in nats; null if it is not known. */
  best_validation_bias: number | null;
  /** What the losses say of the training, and the next step; null for models of older versions. */
  training_verdict: TrainingVerdict | null;
  /** Number of weights of one flow with its encoder. */
  num_parameters: number;
  /** What the person who trained the model wrote about it, in the option `task_metadata`. */
  task_metadata: unknown;
  /** The set it was trained on. The reference of the model file says what the fields mean. */
  dataset: {
    file: string;
    n: number;
    fingerprint: string;
    row_share: number;
    row_hashes: string;
    split_seed?: number;
    split_by_hash?: boolean;
    theta_ranges?: [number, number][];
  };
  /** The models that training started from, the oldest first; empty if it began with initial weights. */
  from: ModelOrigin[];
  /** The validation loss of the weights that each member started from, in nats, if they were those of a model. */
  start_losses: number[];
  /** Every option for a run with `fromModel`: those of the model, with another seed and a schedule with a warm-up. */
  tuning: Config;
  /** A simulation that was held out from training; null if there is none. */
  example: SetRow | null;
}

/** The photometry that a model reads. */
export interface PhotometrySummary {
  /** Number of bands, F. */
  n_bands: number;
  /** Names or central wavelengths of the bands, (F); null if the training set had none. */
  bands: string[] | number[] | null;
  /** Whether photometry needs uncertainties. */
  has_sigma: boolean;
  /** Whether bands may be masked. */
  has_mask: boolean;
  /** Whether an observation may lack its photometry. */
  may_be_absent: boolean;
}

/** Coordinates of parameters: physical units, the prior's cumulative probability, or the logit of that. */
export type Space = 'physical' | 'cube' | 'unconstrained';

/** Median and central intervals of the draws of one parameter. */
export interface ParameterSummary {
  /** The median: half of the draws are below it. */
  median: number;
  /** The central intervals, the narrower one first: as many draws are below an interval as above it. */
  intervals: { level: number; low: number; high: number }[];
  /** What the data told of the parameter; null if it has no prior, if there are too few draws, or without a model. */
  learned: Learned | null;
}
