/** Types that the views share. The results of the client fit them, but the views do not depend on the client. */

/** A view, which the function `mount(el, options)` of a module returns. */
export interface View<T> {
  /** Shows other data. */
  update(data: T): unknown;
  /** Removes the view, and leaves the element empty. */
  destroy(): void;
}

/** The spectrum of an observation, or the photometry that is drawn in its place, (W) each. */
export interface Spectrum {
  values: Float32Array;
  /** Standard deviations. */
  sigma?: Float32Array;
  /** 1 where a point is masked. */
  mask?: Uint8Array;
  /** The grid; without it, points are drawn by their index. */
  wavelengths?: Float64Array;
}

/** Draws of a posterior, row-major (n, d). */
export interface Posterior {
  draws: Float64Array;
  n: number;
  d: number;
  /** Names of the parameters, (d). */
  names: string[];
  /** Bounds of the prior, (d); infinite if it has none. */
  bounds?: [number, number][];
  /** Whether the prior is one of the logarithm, (d). Such a parameter has a logarithmic axis, and relative digits. */
  logarithmic?: boolean[];
  /** What the data told of each parameter, (d): the information gain in bits, or words that say why there is none. */
  learned?: ({ gain: number; is_nothing: boolean } | string)[];
  /** True parameters, (d), if they are known. */
  truth?: ArrayLike<number> | null;
  /** The draws of another run, to compare with. */
  reference?: { draws: Float64Array; n: number } | null;
  /** Whether axes may only grow, for instance while the observation is dragged. */
  keepAxes?: boolean;
}

/** Lowest and highest place on an axis: numbers, or their logarithms to base ten. */
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
