/**
 * Flowglass in a page: simulations in, a trained posterior and its draws out, computed in a worker of the page.
 *
 * The calls of an engine are in `calls.d.ts`, the shapes of data in `data.d.ts`, the training options in
 * `options.d.ts`, events and runs of training in `training.d.ts`, the reports of checks in `report.d.ts` and
 * `local-report.d.ts`. Letters: N simulations, D parameters, W points of a spectrum, F bands of photometry, n draws, B
 * observations, E numbers of an embedding. Arrays of several dimensions are row-major.
 */
import type { DeviceChoice, DeviceInfo, DeviceName, EngineCalls, OptionDescription, Timing } from './calls.d.ts';
import type { ArrayInfo, ModelSummary, ObservationInput, SetSummary } from './data.d.ts';
import type { LocalCheckHooks, LocalCheckOptions, LocalCheckRun } from './local-report.d.ts';
import type { TrainingOptions } from './options.d.ts';
import type { CheckOptions, CheckProgress, CheckRun } from './report.d.ts';
import type { TrainHooks, TrainingRun } from './training.d.ts';

export type * from './calls.d.ts';
export type * from './data.d.ts';
export type * from './local-report.d.ts';
export type * from './observed.d.ts';
export type * from './options.d.ts';
export type * from './report.d.ts';
export type * from './training.d.ts';

/**
 * Flowglass in a worker. If the worker dies, another one takes its place. It gets the model and the set, and a training
 * run goes on from its last checkpoint.
 *
 * Events: `restarted`, whose `detail` is a `Restart`; `failed`, whose `detail.reason` says why no other worker was
 * started.
 *
 * @example
 * import { Flowglass } from './client/index.js';
 * const flowglass = await Flowglass.create();
 * await flowglass.readSet('set.npz', await (await fetch('set.npz')).blob());
 * await flowglass.train({ num_epochs: 50 }, { onEvent: console.log }).done;
 * const { observation } = await flowglass.setRow(0);
 * const { draws } = await flowglass.samplePosterior(observation, 1000, 0);
 */
export interface Flowglass extends Session {
  /** Adds a listener for a worker that died and was replaced. */
  addEventListener(type: 'restarted', listener: (event: CustomEvent<Restart>) => void): void;
  /** Adds a listener for an engine that could not be started again. */
  addEventListener(type: 'failed', listener: (event: CustomEvent<{ reason: string }>) => void): void;
  addEventListener(...args: Parameters<EventTarget['addEventListener']>): void;
}

/** Makes clients. */
export const Flowglass: {
  /**
   * Starts a worker with an engine.
   * @throws `option` if there is no such device; `device` if it cannot be used or its build is missing
   */
  create(options?: ClientOptions): Promise<Flowglass>;
};

/** An engine, wherever it runs: what `Flowglass` and `LocalFlowglass` have in common. */
export interface Session extends EngineCalls, EventTarget {
  /** The device that computes, and why it was chosen. */
  info: DeviceInfo;

  /**
   * Moves to another device, together with the model and the set. If this fails, the previous device stays. With
   * `auto`, the CPU and a GPU that passes its self-test are timed, and the faster one is taken; `info.timings` has both
   * times.
   * @param config for `auto`: the training options that are timed; by default those of the set, or of the model
   * @returns the device that computes from now on
   * @throws `state` if a training run is under way or another move began; `device` if the device cannot be used
   */
  setDevice(device: DeviceChoice, config?: TrainingOptions): Promise<DeviceInfo>;

  /**
   * Trains a posterior on the set. The result becomes the model.
   * @param config options by name; those that are left out have their defaults
   * @throws `state` if training runs already. Any other error rejects `done`: `option`, `array`, `device`,
   *   `likelihood`, `training`, or `file` if the browser cannot save the run
   */
  train(config?: TrainingOptions, hooks?: TrainHooks): TrainingRun;

  /**
   * Checks the model on the simulations of the set that it was not trained on, model and set as they are now. If it was
   * trained on this set, these are its held-out rows.
   * @param hooks `onProgress` is called with the progress of the check
   * @throws `state` if a check runs already. Any other error rejects `done`: `option`, `array`, `state`
   */
  check(options?: CheckOptions, hooks?: { onProgress?: (at: CheckProgress) => void }): CheckRun;

  /**
   * Checks whether the model is right at observations, with the set, both as they are now. It compares the true
   * parameters of the simulations whose data are nearest with draws of their posteriors.
   * @param observations one observation, or several
   * @param hooks `onProgress` is called with the progress of the check
   * @throws `state` if a check runs already. Any other error rejects `done`: `option`, `array`, `state`
   */
  checkAt(
    observations: ObservationInput | ObservationInput[],
    options?: LocalCheckOptions,
    hooks?: LocalCheckHooks,
  ): LocalCheckRun;

  /** Ends the engine. Calls that wait for an answer are rejected with the code `state`. */
  close(): Promise<void>;
}

/** How a client is made. */
export interface ClientOptions extends EngineOptions {
  /**
   * Makes the worker that holds the engine. It is called again after a crash. By default it starts `worker.js` beside
   * the client, also from another origin if that origin allows it (CORS).
   */
  worker?: () => Worker;
}

/** How an engine is made. */
export interface EngineOptions {
  /** The device to compute on; `auto` by default. `cpu` does not look for a graphics adapter, so it starts first. */
  device?: DeviceChoice;
  /**
   * Largest number of threads on the CPU; by default the number of cores, but at most 8. Several threads need a worker,
   * and a page that is cross-origin isolated.
   */
  threads?: number | null;
  /** The folder of the builds (`cpu/`, `gpu/`, ...); by default `pkg/` beside the client's folder. */
  baseUrl?: URL | string;
  /**
   * Milliseconds between two checkpoints of a training run; 3000 by default. If a worker dies, the steps since the last
   * checkpoint are done again.
   */
  checkpointEveryMs?: number;
  /** Milliseconds of rest after each 40 ms of training, to leave the processor to others; 0 by default. */
  pauseMs?: number;
}

/** An error of any call. `message` names what is wrong, and says what came and what was expected. */
export interface FlowglassError extends Error {
  /** The kind of the error, for programs. */
  code: ErrorCode;
  /** The arrays of a file that could be read but is not a set, so that a caller can ask which array is which. */
  arrays?: ArrayInfo[];
  /** The model that was kept when training failed. */
  summary?: ModelSummary;
}

/**
 * The kinds of errors: a file that cannot be read as what it claims to be (`file`); an array of a set or an
 * observation (`array`); an option (`option`); a model file, or a model that does not fit (`model`); a device that is
 * not there, is lost or computes wrongly (`device`); the caller's likelihood (`likelihood`); training that cannot go on
 * (`training`); a call out of order, such as sampling before there is a model (`state`); a worker that died (`crash`);
 * a mistake in Flowglass itself (`internal`).
 */
export type ErrorCode =
  | 'file'
  | 'array'
  | 'option'
  | 'model'
  | 'device'
  | 'likelihood'
  | 'training'
  | 'state'
  | 'crash'
  | 'internal';

/** What was lost and kept when a worker died, as the `detail` of the event `restarted`. */
export interface Restart {
  /** Why the worker died. */
  reason: string;
  /** Whether the model was restored. */
  model: boolean;
  /** Whether the set was restored. */
  set: boolean;
  /** The error with which the set could not be read again; null if there was none. */
  said: string | null;
  /** Whether a training run goes on (`resumed`) or is given up (`lost`); null if there was none. */
  training: 'resumed' | 'lost' | null;
  /** The device that computes from now on. */
  info: DeviceInfo;
}

/** The devices, by preference. */
export const DEVICES: readonly DeviceName[];

/** The words of `event.kind` of a training run. */
export const EVENT: Readonly<{
  STARTED: 'started';
  PROGRESS: 'progress';
  EPOCH: 'epoch';
  SKIPPED: 'skipped';
  FINISHED: 'finished';
}>;

/** The words of `status`, which says how a training run or a check ended. */
export const STATUS: Readonly<{ FINISHED: 'finished'; STOPPED: 'stopped'; CANCELLED: 'cancelled' }>;

/**
 * Says why WebGPU is not used automatically here: it is absent, it has no adapter, or its adapter is emulated in
 * software.
 * @returns the end of a sentence after "because"; null if WebGPU can be tried
 */
export function whyNoWebGpu(): Promise<string | null>;

/**
 * Tells whether timings hold for a training run: whether they were measured with data of the same size, and with the
 * same value of every option that changes the time of a step.
 * @param timings as `info.timings` has them
 * @param config options by name; those that are left out have their defaults
 * @param set the set to train on
 * @param options as `options()` gives them
 */
export function isTimedFor(
  timings: { cpu?: Timing; gpu?: Timing },
  config: TrainingOptions,
  set: SetSummary,
  options: OptionDescription[],
): boolean;

/**
 * Gives options of `train` for a coupling flow with rational-quadratic splines (Durkan et al. 2019), the default.
 * @throws `option` if `flow_family` is given and names another family
 */
export function spline(options?: TrainingOptions): TrainingOptions;

/**
 * Gives options of `train` for a coupling flow with shift and scale (RealNVP, Dinh et al. 2017).
 * @throws `option` if `flow_family` is given and names another family
 */
export function affine(options?: TrainingOptions): TrainingOptions;

/**
 * Gives options of `train` for a masked autoregressive flow (MAF, Papamakarios et al. 2017) with splines, or with shift
 * and scale if `autoregressive_transform` is `affine`.
 * @throws `option` if `flow_family` is given and names another family
 */
export function autoregressive(options?: TrainingOptions): TrainingOptions;

/**
 * Gives options of `train` for a masked autoregressive flow with a monotone network per parameter (NAF, Huang et al.
 * 2018).
 * @throws `option` if `flow_family` is given and names another family
 */
export function neuralAutoregressive(options?: TrainingOptions): TrainingOptions;
