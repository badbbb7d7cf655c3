/** The plots and the table of step 3. Each is made when it is first needed; until then a gray box is in its place. */
/** @import { Misfit } from '../client/index.js' */
/** @import { Posterior } from '../views/types.d.ts' */
/** @import { Subject } from './subject.js' */
import * as corner from '../views/corner.js';
import * as spectrum from '../views/spectrum.js';
import * as table from '../views/table.js';
import { element, input } from './elements.js';

/** The sliders, by their ids. */
export const SLIDERS = /** @type {const} */ (['shift', 'scale', 'noise']);

/** What is said of a model that cannot compare an observation with its simulations. */
const UNKNOWN =
  'Whether this model can make such data is not known: it keeps nothing of its simulations. A model that is trained now does.';

export class PosteriorViews {
  /** @type {ReturnType<typeof spectrum.mount>|null} */
  #spectrum = null;
  /** @type {ReturnType<typeof corner.mount>|null} */
  #corner = null;
  /** @type {ReturnType<typeof table.mount>|null} */
  #table = null;
  #onDrag;
  #onCopied;

  /**
   * @param {NonNullable<NonNullable<Parameters<typeof spectrum.mount>[1]>['onDrag']>} onDrag
   * @param {(done: boolean) => void} onCopied
   */
  constructor(onDrag, onCopied) {
    this.#onDrag = onDrag;
    this.#onCopied = onCopied;
  }

  /**
   * Shows the observation and its sliders.
   * @param {Subject} subject
   */
  showObservation({ drawn, original, isChanged, change, base: { label } }) {
    this.#spectrum ??= spectrum.mount(element('spectrum'), { onDrag: this.#onDrag });
    this.#spectrum.update({ observation: drawn, label, original: isChanged ? original : null });
    for (const name of SLIDERS) {
      const value = change[name].toFixed(2).replace('-', '\u2212');
      const words = { shift: `${value} sd`, scale: `×${value}`, noise: `${value} σ` };
      input(name).value = String(change[name]);
      const output = document.querySelector(`output[for=${name}]`);
      if (output) output.textContent = words[name];
    }
  }

  /**
   * Shows draws.
   * @param {Posterior} posterior
   */
  async showDraws(posterior) {
    this.#corner ??= corner.mount(element('corner'));
    this.#table ??= table.mount(element('table'), { onCopied: this.#onCopied });
    legend('truth-key', Boolean(posterior.truth));
    legend('reference-key', Boolean(posterior.reference));
    await Promise.all([this.#corner.update(posterior), this.#table.update(posterior)]);
  }

  /**
   * Says whether the model can make the observation. Draws for data that it cannot make are shown in gray.
   * @param {Misfit|undefined} misfit
   */
  showMisfit(misfit) {
    const line = element('misfit-line');
    line.textContent = misfit ? `${misfit.words[0].toUpperCase()}${misfit.words.slice(1)}.` : UNKNOWN;
    line.classList.toggle('warning', Boolean(misfit?.is_rare));
    for (const id of ['corner', 'table']) element(id).classList.toggle('doubtful', Boolean(misfit?.is_rare));
  }

  /** The corner plot as it is drawn. */
  get figure() {
    return /** @type {SVGSVGElement|null} */ (element('corner').querySelector('svg'));
  }

  /** Takes everything down. */
  clear() {
    for (const view of [this.#spectrum, this.#corner, this.#table]) view?.destroy();
    this.#spectrum = this.#corner = this.#table = null;
    for (const id of ['spectrum', 'corner', 'table', 'misfit-line']) element(id).replaceChildren();
  }
}

/**
 * Shows a part of the legend, or hides it.
 * @param {string} name
 * @param {boolean} isShown
 */
function legend(name, isShown) {
  for (const key of document.querySelectorAll(`.${name}`)) /** @type {HTMLElement} */ (key).hidden = !isShown;
}
