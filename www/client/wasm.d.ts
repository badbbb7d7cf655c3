/** What a build exports: the engine in WebAssembly. Only the client uses it; callers of the client see `EngineCalls`. */
import type { EngineCalls } from './calls.d.ts';
import type { ModelSummary, ObservationInput } from './data.d.ts';
import type { LocalCheckOptions, LocalReport } from './local-report.d.ts';
import type { TrainingOptions } from './options.d.ts';
import type { CheckOptions, CheckProgress, Report } from './report.d.ts';
import type { Likelihood, StartedEvent, TrainingEvent } from './training.d.ts';

type Call<F> = F extends (...args: infer A) => Promise<infer R> ? (...args: A) => R | Promise<R> : never;

/** The calls of an engine. Some give a value and no promise, and all take bytes instead of files. */
type Calls = { [K in keyof EngineCalls]: Call<EngineCalls[K]> };

/** The engine. Its calls run one after the other: an asynchronous one holds it until it ends. */
export interface Engine extends Calls {
  /** The device and its name for people. */
  deviceInfo(): { device: 'webgpu' | 'flex' | 'ndarray'; label: string };
  /** Prepares a run, from the start or from a checkpoint; with `fromModel`, from the model, which is called so. */
  trainStart(
    config?: TrainingOptions,
    checkpoint?: Uint8Array,
    likelihood?: Likelihood,
    fromModel?: string,
  ): StartedEvent;
  /** Trains for about `ms` milliseconds. */
  trainRun(ms: number): Promise<{ events: TrainingEvent[]; done: boolean }>;
  /** The run as bytes. */
  trainCheckpoint(): Promise<Uint8Array>;
  /** Ends the run; the best weights become the model. */
  trainFinish(): Promise<ModelSummary>;
  /** Drops the run. */
  trainCancel(): void;
  /** Prepares a check. */
  checkStart(options?: CheckOptions): CheckProgress;
  /** Prepares a check at observations. What it gives as `n_simulations` is its number of steps. */
  checkAtStart(observations: ObservationInput[], options?: LocalCheckOptions): CheckProgress;
  /** Checks for about `ms` milliseconds. */
  checkRun(ms: number): Promise<CheckProgress>;
  /** Ends the check. */
  checkFinish(): { report: Report | LocalReport; html?: string };
  /** Drops the check. */
  checkCancel(): void;
  /** Gives its memory back. */
  free(): void;
}

/** A build, once it is loaded. */
export interface Build {
  /** Compiles the WebAssembly. */
  default(): Promise<unknown>;
  Engine: { create(device: string): Promise<Engine> };
  /** Starts the workers of a build with threads. */
  initThreadPool(workers: number): Promise<void>;
  /** Converts an HDF5 file; only in the build for HDF5. */
  hdf5ToSafetensors(fileName: string, bytes: Uint8Array): Uint8Array<ArrayBuffer>;
}
