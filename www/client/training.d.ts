/** The events of a training run, and the calls that steer it. */
import type { EpochRecord, ModelSummary } from './data.d.ts';

/** An event of a training run. `kind` tells the events apart; `EVENT` of the client has the words. */
export type TrainingEvent = StartedEvent | ProgressEvent | EpochEvent | SkippedEvent | FinishedEvent;

/** Training begins, or goes on from a checkpoint. */
export interface StartedEvent {
  /** The kind of the event. */
  kind: 'started';
  /** Steps that were done before; 0 unless the run is resumed from a checkpoint. */
  step: number;
  /** Number of steps in an epoch. */
  steps_per_epoch: number;
  /** Number of steps in all, if nothing stops the run early. */
  total_steps: number;
  /** Number of weights. */
  num_parameters: number;
  /** Number of simulations in the training split. */
  n_train: number;
  /** Number of simulations that are held out for validation. */
  n_validation: number;
  /** The rows of the set that are held out. */
  validation_rows: number[];
}

/** Some steps were done. This event comes about 25 times a second. */
export interface ProgressEvent {
  /** The kind of the event. */
  kind: 'progress';
  /** Steps so far. */
  step: number;
  /** Number of steps in all, if nothing stops the run early. */
  total_steps: number;
  /** The member of the ensemble that is trained now, from 1. */
  member: number;
  /** Number of members of the ensemble. */
  ensemble_size: number;
  /** The current epoch, from 1. */
  epoch: number;
  /** Number of epochs, if nothing stops the run early. */
  num_epochs: number;
  /** Mean training loss of these steps, in nats; null if all of them were skipped. */
  train_loss: number | null;
  /** Steps per second, measured over these steps. */
  steps_per_second: number;
}

/** An epoch ended and was validated. */
export interface EpochEvent extends EpochRecord {
  /** The kind of the event. */
  kind: 'epoch';
  /** Whether its weights are the best so far. */
  best: boolean;
}

/** Batches were skipped because their loss or gradient was not finite. */
export interface SkippedEvent {
  /** The kind of the event. */
  kind: 'skipped';
  /** Steps so far. */
  step: number;
  /** Number of batches that were skipped since the last event of this kind. */
  count: number;
}

/** Training is over; the best weights are in place. */
export interface FinishedEvent {
  /** The kind of the event. */
  kind: 'finished';
  /** Why: all epochs were done, the validation loss stopped falling, or the loss was no longer finite. */
  reason: 'epochs' | 'early_stopping' | 'diverged';
  /** The epoch whose weights were kept, from 1; null if no epoch ended. */
  best_epoch: number | null;
  /** The validation loss of that epoch, in nats. */
  best_validation_loss: number | null;
  /** Its standard error over the held-out simulations, in nats; null for fewer than two of them. */
  best_validation_error: number | null;
  /**
   * How far it is too low because it is the best of several epochs, in nats: each half of the held-out simulations
   * chooses an epoch, and the other half measures it. Null for fewer than two simulations.
   */
  best_validation_bias: number | null;
  /** An epoch with a lower loss that was not kept because its flow was not stable. */
  passed_over: { epoch: number; loss: number; kept_loss: number } | null;
  /** What the losses say of the run, and the next step; null if the run began with an older version. */
  verdict: TrainingVerdict | null;
}

/**
 * ln p(observation | theta) up to a constant, and its gradient with respect to theta, for one theta and one
 * observation. If one of these numbers is not finite, the training step is skipped.
 * @param theta (D), in physical units
 * @param observation its arrays, (W) each, as the set has them; if a point is masked (`mask` is 1), its value is 0
 *   and its standard deviation 1
 */
export type Likelihood = (
  theta: Float64Array,
  observation: { values: Float32Array; sigma?: Float32Array; mask?: Uint8Array; wavelengths?: Float64Array },
) => { value: number; gradient: ArrayLike<number> };

/** Functions and data that `train` takes besides the training options. */
export interface TrainHooks {
  /** Is called with every event of the run. */
  onEvent?: (event: TrainingEvent) => void;
  /** Is called with a checkpoint as bytes, every `checkpointEveryMs` ms; a later run takes it as `from`. */
  onCheckpoint?: (bytes: Uint8Array) => void;
  /**
   * A checkpoint that `onCheckpoint` was called with, from which the run is resumed. The options, the set and the
   * likelihood must be those of that run.
   */
  from?: Uint8Array | null;
  /**
   * Starts from the weights of the current model instead of initial ones: more epochs on its simulations, or epochs on
   * others that it can read. The text is what the header of the new model calls the current one, such as the name of
   * its file. Options that are left out are those of `tuning` in the model's summary. The options of its networks and
   * of its scaling cannot change.
   */
  fromModel?: string | null;
  /**
   * The caller's likelihood, if `training_objective` is `elbo`: a function, or the address of a module whose default
   * export is one. The worker gets the source text of a function, so the function must not use anything from outside of
   * itself; a module may import what it needs. Before training, the gradient is compared with differences of the value.
   */
  likelihood?: Likelihood | URL | string | null;
}

/** A training run. */
export interface TrainingRun {
  /** Pauses the run, after at most 40 ms of work. */
  pause(): Promise<void>;
  /** Continues the run. */
  resume(): Promise<void>;
  /** Ends the run now and keeps the best weights so far. */
  finish(): Promise<void>;
  /** Ends the run now, and leaves the model unchanged. Resolves when the run is over, within about 2 s. */
  cancel(): Promise<void>;
  /**
   * Says how the run ended. `summary` describes the new model, and is null after a cancel. Rejects if training failed.
   * If the likelihood failed (code `likelihood`) after an epoch, the best weights are the model, and the error's
   * `summary` describes it.
   */
  done: Promise<{ status: 'finished' | 'stopped' | 'cancelled'; summary: ModelSummary | null }>;
}

/** What the losses of a training run say. Whether the posteriors are right, only a check can tell. */
export interface TrainingVerdict {
  /**
   * The verdict in a word. `learned`: the loss is below that of a flow that gives the prior for every observation.
   * `few_held_out`: fewer than 100 simulations validate. `no_epoch`: training ended before its first epoch did.
   */
  kind:
    | 'learned'
    | 'diverged'
    | 'no_epoch'
    | 'worse_than_prior'
    | 'many_skipped'
    | 'few_held_out'
    | 'still_falling'
    | 'nothing_learned'
    | 'overfitted';
  /** What was found, in a sentence without a full stop. */
  sentence: string;
  /** What to do next, in a sentence without a full stop. */
  next: string;
}

/** A model that training started from. */
export interface ModelOrigin {
  /** Its name: that of its file. */
  model: string;
  /** A hash of what its header says of its training, in hexadecimal. */
  hash: string;
  /** The seed of its training. */
  seed: number;
  /** The file of the set that it was trained on. */
  file: string;
  /** Number of simulations of that set. */
  n: number;
  /** A hash over the shapes and values of that set, in hexadecimal. */
  fingerprint: string;
}
