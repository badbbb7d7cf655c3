/** Types that the views share. The results of the client fit them, but the views do not depend on the client. */

/** A view: a function `mount(el, options)` of a module gives it. */
export interface View<T> {
  /** Shows something else. */
  update(data: T): unknown;
  /** Takes the view down; the element is what it was before. */
  destroy(): void;
}

/** The spectrum of an observation, or what is drawn in its place, (W) each. */
export interface Spectrum {
  values: Float32Array;
  /** Standard deviations. */
  sigma?: Float32Array;
  /** 1 where a point is masked. */
  mask?: Uint8Array;
  /** The grid; without it points are drawn by their index. */
  wavelengths?: Float64Array;
}

/** Draws of a posterior, row-major (n, d). */
export interface Posterior {
  draws: Float64Array;
  n: number;
  d: number;
  /** Names of the parameters, (d). */
  names: string[];
  /** Bounds of the prior, (d); infinite where it has none. */
  bounds?: [number, number][];
  /** True parameters, (d), where they are known. */
  truth?: ArrayLike<number> | null;
  /** The draws of another run, to compare with. */
  reference?: { draws: Float64Array; n: number } | null;
  /** Whether axes may only grow, as while the observation is dragged. */
  keepAxes?: boolean;
}

/** Lowest and highest number of an axis. */
export type Range = [low: number, high: number];

/** Numbers by position, in pixels along an axis. */
export type Scale = (value: number) => number;

/** The draws of one parameter in numbers; see summary.js. */
export interface Statistics {
  /** The draws, ascending. */
  sorted: Float64Array;
  median: number;
  low68: number;
  high68: number;
  low95: number;
  high95: number;
}

/** Density of a pair of parameters on a grid of bins, and the densities above which 68 % and 95 % of the draws lie. */
export interface Regions {
  grid: Float64Array;
  bins: number;
  levels: number[];
}
