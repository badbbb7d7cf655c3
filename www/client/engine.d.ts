/**
 * Flowglass in the calling thread. The worker runs it, and a test or a notebook's widget may use it directly.
 */
import type { EngineOptions, Session } from './index.d.ts';
import type { TrainingOptions } from './options.d.ts';
import type { TrainHooks, TrainingRun } from './training.d.ts';

/** Milliseconds of one pull of training or of a check. A pause or a cancel waits no longer than this. */
export const PULL_MS: number;

/**
 * Flowglass without a worker. Event: `lost`, whose `detail.reason` says why the graphics device was lost; only inside a
 * worker, because a page may have graphics devices of its own.
 */
export interface LocalFlowglass extends Session {
  /** Trains as `flowglass.train` does. The run may begin paused or already ended. */
  train(config?: TrainingOptions, hooks?: LocalTrainHooks): TrainingRun;
  /** Adds a listener for the loss of the graphics device. */
  addEventListener(type: 'lost', listener: (event: CustomEvent<{ reason: string }>) => void): void;
  addEventListener(...args: Parameters<EventTarget['addEventListener']>): void;
}

/** Makes engines. */
export const LocalFlowglass: {
  /**
   * Makes an engine in this thread.
   * @throws `option` if there is no such device; `device` if it cannot be used or its build is not there
   */
  create(options?: EngineOptions): Promise<LocalFlowglass>;
};

/** What `LocalFlowglass.train` also takes, for a run that is paused or ended before it begins. */
export interface LocalTrainHooks extends TrainHooks {
  /** Begins paused. */
  paused?: boolean;
  /** Ends at once, with this status. */
  ending?: 'stopped' | 'cancelled' | null;
}
