/** The calls of an engine, the device that computes them, and how devices compare. */
import type {
  Assignment,
  Condition,
  ModelSummary,
  Numbers,
  Observation,
  ObservationInput,
  ParameterSummary,
  SetRow,
  SetSummary,
  Space,
} from './data.d.ts';
import type { Draws, Misfit, WeightedDraws } from './observed.d.ts';
import type { TrainingOptions } from './options.d.ts';

/** A device: `webgpu` is the GPU, `flex` the CPU, and `ndarray` the CPU in a browser without WebAssembly SIMD. */
export type DeviceName = 'webgpu' | 'flex' | 'ndarray';

/**
 * A device, or a rule to choose one: `cpu` is the faster CPU device that works in the browser, and `auto` is a GPU that
 * passes its self-test, or else the CPU.
 */
export type DeviceChoice = DeviceName | 'auto' | 'cpu';

/** The device that computes, and why it was chosen. */
export interface DeviceInfo {
  /** The device. */
  device: DeviceName;
  /** The device's name for people. */
  label: string;
  /** Threads in use. */
  threads: number;
  /** Why this device was chosen, as the end of a sentence after "because"; or 'chosen by hand'; or ''. */
  reason: string;
  /** The reason without the timings. */
  because: string;
  /** Whether this is a GPU that passed its self-test and was not chosen by hand. */
  tested: boolean;
  /** How long CPU and GPU took, if they were timed. */
  timings?: { cpu?: Timing; gpu?: Timing };
}

/** How long a device took for a training step and for draws. */
export interface Timing {
  /** Seconds for a training step. */
  train_step_s: number;
  /** Number of simulations in this step. */
  batch: number;
  /** Seconds for `draws` draws. */
  draws_s: number;
  /** Number of draws that were timed. */
  draws: number;
  /** The training options that were timed. */
  config: TrainingOptions;
  /** Number of parameters, D. */
  parameter_dim: number;
  /** Number of points of a spectrum, W. */
  n_wavelengths: number;
  /** Number of bands of photometry, F; 0 if there is none. */
  n_bands: number;
}

/** How a device compares with the CPU on a small flow. */
export interface SelfTest {
  /** Whether the largest error is within the tolerance. */
  ok: boolean;
  /** Largest difference between a number of this device and the same number of the CPU. */
  max_abs_error: number;
  /** Largest difference that is allowed. */
  tolerance: number;
  /** Seconds that the test took. */
  seconds: number;
}

/** A training option, as the engine describes it. */
export interface OptionDescription {
  /** Its name, the same in Rust, JavaScript and on the command line. */
  name: keyof TrainingOptions;
  /** The kind of its values. */
  kind: 'int' | 'float' | 'bool' | 'choice' | 'text' | 'json';
  /** Smallest value, for `int` and `float`. */
  min?: number;
  /** Largest value, for `int` and `float`. */
  max?: number;
  /** The words to choose from, for `choice`. */
  choices?: string[];
  /** Its default. */
  default: unknown;
  /** Whether null is allowed, which an empty field of a form stands for. */
  optional: boolean;
  /** Whether it is among the few that matter most; a form folds the others away. */
  short: boolean;
  /** The subject that it belongs to, as a heading. */
  subject: string;
  /** Whether the time of a training step depends on it. */
  changes_step_time: boolean;
  /** What it does, in sentences. */
  help: string;
  /** When it has an effect, as the end of a sentence after "only if"; null if it always has one. */
  only_if: string | null;
}

/** What a file is. */
export interface FileKind {
  /** Its format; null if none is recognized. */
  format: 'npz' | 'npy' | 'safetensors' | 'hdf5' | 'text' | null;
  /** What it holds. */
  holds: 'model' | 'set' | 'observation' | 'unknown';
}

/** A built-in simulator. */
export interface SimulatorDescription {
  /** Its name in calls, options and on the command line. */
  name: string;
  /** What it simulates, in a few words for a list. */
  title: string;
  /** Its parameters, (D): name in files, label for plots, unit or ''. */
  parameters: { name: string; label: string; unit: string }[];
  /** Number of values of an observation, W. */
  n_values: number;
}

/**
 * The calls other than training and checking. Each gives a promise; a failed call rejects it with a `FlowglassError`.
 */
export interface EngineCalls {
  /**
   * Compares the device with the CPU on a small flow of the kind that `config` asks for, or on a default one.
   * @throws `option` if an option is refused
   */
  selfTest(config?: TrainingOptions): Promise<SelfTest>;

  /**
   * Measures how long the device takes to train with `config` on the set, or, without a set, on data of the model's
   * shape. The set and the model stay as they are.
   * @param config by default the options of the set, or of the model
   * @throws `device` if it is a GPU that computes this flow wrongly; `state` if there is neither set nor model
   */
  timeDevice(config?: TrainingOptions): Promise<Timing>;

  /** Lists every training option: name, values, default, meaning. */
  options(): Promise<OptionDescription[]>;

  /**
   * Names the options that have no effect with the other options of `config`, and on the set if there is one.
   * @param config options by name; those that are left out have their defaults
   * @throws `option` if a value is refused
   */
  optionsWithoutEffect(config?: TrainingOptions): Promise<(keyof TrainingOptions)[]>;

  /** Lists the built-in simulators, in the order for a menu. */
  simulators(): Promise<SimulatorDescription[]>;

  /**
   * Simulates with a built-in simulator.
   * @param simulator its name, as `simulators()` gives it
   * @param n number of simulations
   * @param seed a whole number; the same seed gives the same simulations
   * @returns the set as an `.npz` file, for `readSet` or to save
   * @throws `option` if there is no such simulator, or a number is refused
   */
  simulate(simulator: string, n: number, seed: number): Promise<Uint8Array>;

  /**
   * Says what a file holds. It reads headers and names only, so it is quick for a large file.
   * @param fileName the file's name, which is used only if the bytes do not tell the format
   * @returns `unknown` if the file cannot be used; the call that reads it says why
   */
  whatIs(fileName: string, data: Uint8Array | Blob): Promise<FileKind>;

  /**
   * Reads a simulation set, which replaces the previous one. If this fails, the previous set stays.
   * @param fileName the file's name, for messages; the format is told by the bytes
   * @param data an `.npz`, HDF5, `.safetensors` or CSV file
   * @param assign the roles of arrays whose names do not say them, and priors
   * @throws `file` if the file cannot be read; `array`, with the file's `arrays`, if it is not a set
   */
  readSet(fileName: string, data: Uint8Array | Blob, assign?: Assignment): Promise<SetSummary>;

  /**
   * Gives one row of the set.
   * @param row from 0 to N - 1
   * @throws `option` if there is no such row; `state` if there is no set
   */
  setRow(row: number): Promise<SetRow>;

  /**
   * Reads an observation from a file, without a check against the model.
   * @param fileName the file's name, for messages; the format is told by the bytes
   * @param data text (`.csv`, `.txt`, `.dat`), `.npy`, `.npz`, HDF5 or `.safetensors`
   * @throws `file` if the file cannot be read; `array` if it holds no observation
   */
  readObservation(fileName: string, data: Uint8Array | Blob): Promise<Observation>;

  /**
   * Checks an observation against the model.
   * @returns which of its values are far from all simulations that the model learned from, in words; `undefined` if
   *   none are
   * @throws `array` if it does not fit the model; `state` if there is no model
   */
  checkObservation(observation: ObservationInput): Promise<string | undefined>;

  /**
   * Says whether the model can make such an observation. Ask before its posterior is believed.
   * @returns `undefined` if the model keeps nothing of its simulations: it was trained by an older version, or nothing was
   *   held out
   * @throws `array` if it does not fit the model; `state` if there is no model
   */
  misfit(observation: ObservationInput): Promise<Misfit | undefined>;

  /**
   * Interpolates a spectrum linearly onto the model's grid.
   * @throws `array` if its grid does not reach as far as the model's; `state` if the model has no grid
   */
  interpolateObservation(observation: ObservationInput): Promise<Observation>;

  /**
   * Saves the model as a `.safetensors` file.
   * @throws `state` if there is no model
   */
  saveModel(): Promise<Uint8Array>;

  /**
   * Loads a model, which replaces the previous one. If this fails, the previous model stays.
   * @param fileName the file's name, for messages
   * @throws `model` or `file` if the file holds no model that this version can use
   */
  loadModel(fileName: string, data: Uint8Array | Blob): Promise<ModelSummary>;

  /**
   * Makes a model with initial weights from the header of another one. It replaces the previous model. If this fails,
   * the previous model stays.
   * @param metadata the header, as `metadata` gives it or as `flowglass info MODEL --json` prints it
   * @throws `file` if it is not a header; `option` if one of its options is refused
   */
  fromMetadata(metadata: object | string): Promise<ModelSummary>;

  /**
   * Gives the header of the model's file: all that the file holds besides the weights.
   * @throws `state` if there is no model
   */
  metadata(): Promise<object>;

  /** Summarizes the model; gives null if there is none. */
  modelSummary(): Promise<ModelSummary | null>;

  /**
   * Embeds an observation.
   * @returns the embedding, (E), which other calls take instead of the observation
   * @throws `array` if the observation does not fit the model; `state` if there is no model
   */
  encodeObservation(observation: ObservationInput): Promise<Float32Array>;

  /**
   * Embeds B observations in one pass.
   * @returns the embeddings, row-major (B, E)
   * @throws `array` if an observation does not fit the model; `state` if there is no model
   */
  batchEncodeObservation(observations: ObservationInput[]): Promise<Float32Array>;

  /**
   * Draws from the posterior of an observation.
   * @param n number of draws
   * @param seed a whole number from 0 to 2⁵³ - 1; the same seed gives the same draws on every device, to rounding
   * @param space coordinates of the draws; `physical` by default
   * @throws `array` if the observation does not fit the model; `option` if a number is refused; `state` if there is no
   *   model
   */
  samplePosterior(observation: Condition, n: number, seed: number, space?: Space): Promise<Draws>;

  /**
   * Draws from the posterior of each of B observations, in batched passes. The draws of the first observation are those
   * that `samplePosterior` gives it with this seed.
   * @param n number of draws of each observation
   * @param seed a whole number from 0 to 2⁵³ - 1
   * @param space coordinates of the draws; `physical` by default
   * @throws `array` if an observation does not fit the model; `option` if a number is refused; `state` if there is no
   *   model
   */
  batchSamplePosterior(observations: Condition[], n: number, seed: number, space?: Space): Promise<Draws>;

  /**
   * Draws from the posterior, and weights the draws with the likelihood of a built-in simulator.
   * @param n number of draws
   * @param seed a whole number from 0 to 2⁵³ - 1
   * @param simulator the simulator that the observation comes from
   * @throws `option` if there is no such simulator, a parameter has no prior, or a number is refused; `array` if the
   *   observation does not fit the model; `state` if there is no model
   */
  importance(observation: ObservationInput, n: number, seed: number, simulator: string): Promise<WeightedDraws>;

  /**
   * Computes ln p(theta | observation), in nats.
   * @param theta row-major (n, D)
   * @param space coordinates of theta, and of the density; `physical` by default
   * @returns one number for each row, (n); -Infinity outside the prior
   * @throws `array` if theta or the observation does not fit the model; `state` if there is no model
   */
  logProb(observation: Condition, theta: Numbers, space?: Space): Promise<Float64Array>;

  /**
   * Computes ln p(theta | observation), in nats, of n rows for each of B observations, in batched passes.
   * @param theta row-major (B, n, D)
   * @param space coordinates of theta, and of the density; `physical` by default
   * @returns row-major (B, n); -Infinity outside the prior
   * @throws `array` if theta or an observation does not fit the model; `state` if there is no model
   */
  batchLogProb(observations: Condition[], theta: Numbers, space?: Space): Promise<Float64Array>;

  /**
   * Converts parameters to other coordinates.
   * @param theta row-major (n, D)
   * @param from coordinates of `theta`
   * @param to coordinates of the result
   * @returns row-major (n, D)
   * @throws `array` if a value lies outside of its prior or on its edge, where the cumulative probability is not from
   *   1e-6 to 1 - 1e-6; `option` if a space is not known; `state` if there is no model
   */
  convert(theta: Numbers, from: Space, to: Space): Promise<Float64Array>;

  /**
   * Computes the median and the central intervals of each parameter of draws, and how much the data told of it, as the
   * command line and the page print them. What the data told is counted from the priors of the model.
   * @param draws row-major (n, d)
   * @param d numbers of a draw
   * @param space coordinates of the draws; `physical` by default
   * @returns one summary for each of the d parameters
   * @throws `array` if `draws` is empty or not rows of d numbers
   */
  summarize(draws: Numbers, d: number, space?: Space): Promise<ParameterSummary[]>;

  /** Gives the credibilities of the central intervals of `summarize`. */
  intervalLevels(): Promise<Float64Array>;

  /**
   * Writes draws as a file.
   * @param format `npy`, `npz`, `csv`, or `json` for ArviZ
   * @param draws row-major (n, D), or (B, n, D) if `observations` is given
   * @param observations number of observations, B; left out for (n, D)
   * @throws `option` if the format is not known; `array` if the number of values does not fit
   */
  drawsFile(format: 'npy' | 'npz' | 'csv' | 'json', draws: Numbers, observations?: number): Promise<Uint8Array>;
}
