/** The events of a training run so far: its losses, and the sentence at its end. */
/** @import { EpochEvent, FinishedEvent, ModelSummary, StartedEvent, TrainingEvent } from '../client/index.js' */
import { EVENT, STATUS } from '../client/index.js';
import { count, counted, duration, ofPosterior, significant } from '../views/format.js';
import { bestOf } from '../views/losses.js';

/** Losses between epochs are thinned beyond this many. */
const MOST_POINTS = 600;

const REASONS = {
  epochs: 'all epochs done',
  early_stopping: 'stopped early, since the validation loss no longer fell',
  diverged: 'stopped, since the loss was no longer finite; the best weights before that were kept',
};

export class RunLog {
  /** @type {(EpochEvent & {step: number})[]} `step`: the last step of the epoch, as far as events tell */
  epochs = [];
  /** @type {{step: number, at: number, train_loss: number|null}[]} losses between epochs, `at` in epochs */
  points = [];
  /** @type {StartedEvent|null} */
  started = null;
  /** @type {FinishedEvent|null} */
  #finished = null;
  #skipped = 0;
  #step = 0;
  #began = performance.now();

  /** @param {TrainingEvent} event */
  add(event) {
    switch (event.kind) {
      case EVENT.STARTED:
        // A run that goes on after a crash repeats what came after its last checkpoint.
        this.points = this.points.filter((point) => point.step <= event.step);
        this.epochs = this.epochs.filter((epoch) => epoch.step <= event.step);
        this.started = event;
        this.#step = event.step;
        break;
      case EVENT.PROGRESS: {
        const { step, train_loss } = event;
        this.points.push({ step, at: step / (this.started?.steps_per_epoch ?? 1), train_loss });
        if (this.points.length > MOST_POINTS) this.points = thinned(this.points);
        this.#step = step;
        break;
      }
      case EVENT.EPOCH:
        this.epochs.push({ ...event, step: this.#step });
        break;
      case EVENT.SKIPPED:
        this.#skipped += event.count;
        break;
      case EVENT.FINISHED:
        this.#finished = event;
        break;
    }
  }

  /** The plan of the run in a sentence. */
  plan() {
    if (!this.started) return '';
    const { num_parameters, n_train, n_validation } = this.started;
    const trains = `trains on ${counted(n_train, 'simulation')}`;
    return `${counted(num_parameters, 'weight')}; ${trains}, validates on ${count(n_validation)}.`;
  }

  /**
   * The standard error of the best validation loss, and what the loss would be without the luck of being the best.
   * @param {{epoch: number, validation_loss: number}} best
   */
  #doubt({ epoch, validation_loss }) {
    const { best_epoch, best_validation_error: error, best_validation_bias: bias } = this.#finished ?? {};
    // The epoch that is kept may be another one, which the thresholds for its flow allow.
    if (best_epoch !== epoch || !error) return '';
    const [said, honest] = [validation_loss, validation_loss + (bias ?? 0)].map((loss) =>
      ofPosterior(loss, { low68: loss - error, high68: loss + error }),
    );
    const luck = said === honest ? '' : ` (${honest} without the luck of the best of ${this.epochs.length} epochs)`;
    return ` ± ${significant(error, 2)}${luck}`;
  }

  /**
   * How the run ended, what came of it, what its losses say, and what to do next.
   * @param {'finished'|'stopped'|'cancelled'} status
   * @param {ModelSummary} model what it gave
   * @param {number} asked flows that were asked for
   */
  ending(status, model, asked) {
    const took = duration((performance.now() - this.#began) / 1000);
    const { training_verdict: verdict } = model;
    const said = verdict ? `Verdict: ${verdict.sentence}. Next: ${verdict.next}. ` : '';
    const before = Math.min(...model.start_losses);
    const start = before < Infinity ? [`that of the model before, ${significant(before, 4)}`] : [];
    return `Trained in ${took}: ${[this.#why(status, model, asked), ...this.#outcome(), ...start].join('; ')}. ${said}`;
  }

  /**
   * Why the run ended.
   * @param {'finished'|'stopped'|'cancelled'} status
   * @param {ModelSummary} model what it gave
   * @param {number} asked flows that were asked for
   */
  #why(status, model, asked) {
    const flows = asked > 1 ? ` of ${model.config.ensemble_size} of ${asked} flows` : '';
    if (status === STATUS.STOPPED) return `finished by hand, best weights${flows} kept`;
    return this.#finished?.reason ? REASONS[this.#finished.reason] : 'done';
  }

  /** What came of the run, as the events tell it. */
  #outcome() {
    const parts = [];
    const passed = this.#finished?.passed_over;
    const best = bestOf(this.epochs);
    if (best) parts.push(`best validation loss ${significant(best.validation_loss, 4)}${this.#doubt(best)}`);
    if (this.#skipped)
      parts.push(`${counted(this.#skipped, 'batch', 'batches')} skipped for numbers that were not finite`);
    if (passed) {
      const lower = `epoch ${passed.epoch} had a lower loss (${significant(passed.loss, 4)})`;
      parts.push(`${lower} but was not within the stable_… thresholds, so the best epoch within them was kept`);
    }
    return parts;
  }
}

/**
 * Leaves out every second point of the older half.
 * @template T
 * @param {T[]} points
 */
function thinned(points) {
  const half = points.length >> 1;
  return [...points.slice(0, half).filter((_, i) => i % 2 === 0), ...points.slice(half)];
}
