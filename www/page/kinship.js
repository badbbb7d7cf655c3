/** Whether a set and a model belong together, as far as they can be compared. Equal sizes alone say little. */
/** @import { ModelSummary, Observation, SetSummary } from '../client/index.js' */
import { counted } from '../views/format.js';

/** Largest difference between points of two equal grids, as a share of the mean step; the engine's `GRID_TOLERANCE`. */
const GRID_TOLERANCE = 1e-2;
/** Largest relative difference between central wavelengths of a band; the engine's `BAND_TOLERANCE`. */
const BAND_TOLERANCE = 1e-2;

/**
 * `own`: the model was trained on this set. `kin`: something besides the sizes agrees. `unsure`: only the sizes agree.
 * `other`: something differs. `why` says what differs, or what cannot be compared; it is empty for `own` and `kin`.
 * @typedef {{is: 'own'|'kin'|'unsure'|'other', why: string}} Kinship
 */

/**
 * Compares a set with a model: sizes, wavelengths, bands, names and priors. Another prior alone is no sign of another
 * set; a check says what it means.
 * @param {SetSummary} set
 * @param {ModelSummary} model
 * @returns {Kinship}
 */
export function kinship(set, model) {
  if (set.fingerprint && set.fingerprint === model.dataset.fingerprint) return { is: 'own', why: '' };
  const sizes = differentSizes(set, model);
  if (sizes) return { is: 'other', why: `The simulations have ${sizes[0]}, the model ${sizes[1]}.` };
  const compared = [
    compare(set.wavelengths, model.wavelengths, sameGrid),
    compare(set.bands, model.photometry?.bands, sameBands),
    compare(named(set.parameters), named(model.parameters), sameNames),
    compare(priorsOf(set), priorsOf(model), samePriors) || undefined,
  ];
  const differs = ['wavelengths', 'bands', 'parameters'].filter((_, i) => compared[i] === false);
  if (differs.length > 0) {
    return { is: 'other', why: `The simulations have other ${differs.join(' and ')} than the model.` };
  }
  if (compared.includes(true)) return { is: 'kin', why: '' };
  const points = sizeWords(set.n_wavelengths, set.n_bands, set.parameter_dim);
  const lacking = set.n_wavelengths > 0 ? 'wavelengths' : 'bands';
  return {
    is: 'unsure',
    why: `This set has ${points} as the model has, but no ${lacking}, names or priors to compare.`,
  };
}

/**
 * What cannot be compared between an observation and a model that has as many points, in words; empty if its grid can.
 * @param {Observation} observation
 * @param {ModelSummary} model
 */
export function gridUnknown({ values, wavelengths }, model) {
  if (!values || (wavelengths && model.wavelengths)) return '';
  return `It has ${counted(values.length, 'point')} as the model has, but no wavelengths to compare.`;
}

/**
 * @param {SetSummary} set
 * @param {ModelSummary} model
 * @returns {[string, string]|null} the sizes of both in words, if they differ
 */
function differentSizes(set, { n_wavelengths, photometry, parameters }) {
  const [ours, theirs] = [
    sizeWords(set.n_wavelengths, set.n_bands, set.parameter_dim),
    sizeWords(n_wavelengths, photometry?.n_bands, parameters.length),
  ];
  return ours === theirs ? null : [ours, theirs];
}

/**
 * @param {number} points
 * @param {number|null|undefined} bands
 * @param {number} parameters
 */
const sizeWords = (points, bands, parameters) =>
  [points > 0 && counted(points, 'point'), bands && counted(bands, 'band'), counted(parameters, 'parameter')]
    .filter(Boolean)
    .join(' and ');

/**
 * Whether two things are the same; undefined if one of them is not known.
 * @template A, B
 * @param {A|null|undefined} a
 * @param {B|null|undefined} b
 * @param {(a: A, b: B) => boolean} same
 */
const compare = (a, b, same) => (a && b ? same(a, b) : undefined);

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function sameGrid(a, b) {
  const tolerance = (GRID_TOLERANCE * Math.abs(b[b.length - 1] - b[0])) / (Math.max(2, b.length) - 1);
  return Array.from(a).every((at, i) => Math.abs(at - b[i]) <= tolerance);
}

/**
 * @param {(string|number)[]} a
 * @param {(string|number)[]} b
 */
const sameBands = (a, b) =>
  a.every((band, i) => {
    const other = b[i];
    return typeof band === 'number' && typeof other === 'number'
      ? Math.abs(band - other) <= BAND_TOLERANCE * Math.abs(other)
      : band === other;
  });

/**
 * The names of parameters; undefined if they only count.
 * @param {{name: string}[]} parameters
 */
function named(parameters) {
  const names = parameters.map(({ name }) => name);
  return names.every((name, j) => name === `theta_${j + 1}`) ? undefined : names;
}

/**
 * @param {string[]} a
 * @param {string[]} b
 */
const sameNames = (a, b) => a.join('\n') === b.join('\n');

/**
 * The priors of a set or a model; undefined if one is not known.
 * @param {Pick<SetSummary, 'parameters'>|Pick<ModelSummary, 'parameters'>} of
 */
function priorsOf({ parameters }) {
  const priors = parameters.map(({ prior }) => prior);
  return priors.some(({ kind }) => kind === 'none') ? undefined : priors;
}

/**
 * @param {import('../client/index.js').Prior[]} a
 * @param {import('../client/index.js').Prior[]} b
 */
const samePriors = (a, b) =>
  a.every((prior, j) =>
    /** @type {const} */ (['kind', 'low', 'high', 'mean', 'std']).every(
      (key) => (prior[key] ?? null) === (b[j][key] ?? null),
    ),
  );
