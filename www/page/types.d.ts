/** Types that the steps of the page share. */
import type { Flowglass, ModelSummary, Observation, SetSummary, TrainingOptions } from '../client/index.d.ts';

/** A button of a message. */
export interface Action {
  label: string;
  run: () => unknown;
}

/** The state of the page. Code that changes it sends an event to the other steps. */
export interface State {
  /** The simulations that were read. */
  set: SetSummary | null;
  /** The model. */
  model: ModelSummary | null;
  /** The observation whose posterior is shown, as it is now, and what the page calls it. */
  observed: { observation: Observation; label: string } | null;
  /** Where the model comes from, as in "Model from ...". */
  origin: string;
  /** Rows of the set that the model was not trained on, if that is known. */
  heldOut: number[] | null;
  /** Whether a training run is under way. */
  training: boolean;
  /** Whether there is a model that was never saved. */
  unsaved: boolean;
}

/**
 * Something that happened: another set, another model, no model at all, a training run began, paused or ended, a run
 * gave a model (after 'model'), draws are shown. 'wanted': the reader asks for what takes the engine a while, such as a
 * run, a set or another device. Work that the page began by itself ends then.
 */
export type PageEvent = 'set' | 'model' | 'no-model' | 'training' | 'paused' | 'trained' | 'sampled' | 'wanted';

/** What every step is given. */
export interface Page {
  client: Flowglass;
  state: State;
  /** Shows a message. */
  say(kind: 'error' | 'note', text: string, action?: Action): void;
  /** Shows an error. `about` names what failed, and is left out if the message names it already. */
  fail(error: unknown, about?: string, action?: Action): void;
  /** Listens to an event. */
  on(event: PageEvent, work: () => unknown): void;
  /** Sends an event to the steps. */
  tell(event: PageEvent): void;
  /** Makes a model the current one. */
  setModel(summary: ModelSummary, origin: string): void;
  /** Opens a file as a model if it holds one, else as what `as` says, else as what its content shows. */
  openFile(file: File, as?: 'set' | 'observation'): Promise<unknown>;
  /** Reads a set: step 1. */
  readSet(file: File): Promise<void>;
  /** Reads an observation: step 3. */
  readObservation(file: File): Promise<void>;
  /** Chooses the device for a training run. */
  chooseDevice(config: TrainingOptions): Promise<unknown>;
}

/** An observation whose posterior is shown, before any change. */
export interface Base {
  observation: Observation;
  /** The true parameters, if they are known. */
  truth: Float64Array | null;
  /** What the page calls it. */
  label: string;
  /** What the reader should know of it, in sentences; empty or absent if nothing. */
  remark?: string;
  /** What names of files call it. */
  name: string;
  /** The file that it comes from, for messages. */
  file?: string;
  /** Whether its spectrum was interpolated onto the model's grid. */
  interpolated?: boolean;
}
