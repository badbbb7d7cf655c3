/** A model in one line. */
/** @import { ModelSummary } from '../client/index.js' */
import { h } from '../views/dom.js';
import { counted } from '../views/format.js';

/**
 * What the model is, where it comes from, and what it expects.
 * @param {ModelSummary} model
 * @param {string} origin
 * @returns {(Node|string)[]}
 */
export function describeModel(model, origin) {
  const { config, dataset, history } = model;
  const [family, flows] = [config.flow_family.replaceAll('_', ' '), config.ensemble_size];
  const weights = counted(model.num_parameters, 'weight');
  const losses = history.map((epoch) => epoch.validation_loss ?? Infinity).filter(Number.isFinite);
  const points = model.n_wavelengths > 0 && counted(model.n_wavelengths, 'data point');
  const bands = model.photometry && counted(model.photometry.n_bands, 'band');
  const hasSigma = model.has_sigma || model.photometry?.has_sigma;
  const facts = [
    `${counted(model.parameters.length, 'parameter')} from ${[points, bands].filter(Boolean).join(' and ')}` +
      `${hasSigma ? ' with uncertainties' : ''}`,
    flows > 1 ? `${flows} ${family} flows of ${weights} each` : `${family} flow, ${weights}`,
  ];
  if (dataset.n) {
    facts.push(`trained on ${counted(dataset.n, 'simulation')}${dataset.file ? ` (${dataset.file})` : ''}`);
  }
  if (losses.length > 0)
    facts.push(
      `validation loss ${Math.min(...losses)
        .toFixed(3)
        .replace('-', '\u2212')}`,
    );
  // The person who trained the model may have given it a title, in the option `task_metadata`.
  const { title } = /** @type {{title?: unknown}} */ (config.task_metadata ?? {});
  const said = typeof title === 'string' ? `: ${title}` : '';
  return [h('strong', {}, `Model from ${origin}`), `${said} · ${facts.join(' · ')}`];
}
