/** The observation whose posterior is shown, and the changes that the reader made to it with sliders and by dragging. */
/** @import { Observation } from '../client/index.js' */
/** @import { Spectrum } from '../views/types.d.ts' */
/** @import { Base } from './types.d.ts' */
/** @import { Change } from './adjust.js' */
import { addBump, adjusted, UNCHANGED } from './adjust.js';
import { drawn, withBlock } from './blocks.js';

export class Subject {
  /** @type {Change} */
  change = { ...UNCHANGED };
  /** @type {Float64Array} */
  #bumps;
  /** @type {Float64Array|null} bumps with the drag that is under way */
  #dragged = null;

  /** @param {Base} base what was chosen, before any change */
  constructor(base) {
    this.base = base;
    this.#bumps = new Float64Array(this.original.values.length);
  }

  /** The block that is drawn, before any change. */
  get original() {
    return drawn(this.base.observation);
  }

  get #isDragged() {
    return (this.#dragged ?? this.#bumps).some((bump) => bump !== 0);
  }

  get isChanged() {
    const { shift, scale, noise } = this.change;
    return shift !== UNCHANGED.shift || scale !== UNCHANGED.scale || noise !== UNCHANGED.noise || this.#isDragged;
  }

  /**
   * The observation as it is now.
   * @returns {Observation}
   */
  get observation() {
    if (!this.isChanged) return this.base.observation;
    return withBlock(this.base.observation, adjusted(this.original, this.change, this.#dragged ?? this.#bumps));
  }

  /**
   * The block that is drawn, as it is now.
   * @returns {Spectrum}
   */
  get drawn() {
    return drawn(this.observation);
  }

  /**
   * The true parameters, if they are known. Noise alone leaves them true. After any other change, they are not known.
   */
  get truth() {
    const { shift, scale } = this.change;
    const isOther = shift !== UNCHANGED.shift || scale !== UNCHANGED.scale || this.#isDragged;
    return isOther ? null : this.base.truth;
  }

  /**
   * Drags the spectrum.
   * @param {number} from the fraction of the x axis where the drag began
   * @param {number} dy how far the drag has gone since then, in units of the values
   */
  drag(from, dy) {
    this.#dragged = addBump(this.#bumps, from, dy);
  }

  /**
   * Ends a drag.
   * @returns {boolean} whether there was one
   */
  drop() {
    if (!this.#dragged) return false;
    this.#bumps = this.#dragged;
    this.#dragged = null;
    return true;
  }

  /** Takes all changes back. */
  reset() {
    this.change = { ...UNCHANGED };
    this.#bumps = new Float64Array(this.#bumps.length);
  }
}
