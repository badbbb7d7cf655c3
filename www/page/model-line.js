/** A model in one line. */
/** @import { ModelSummary } from '../client/index.js' */
import { h } from '../views/dom.js';
import { count } from '../views/format.js';

/**
 * What the model is, where it comes from, and what it expects.
 * @param {ModelSummary} model
 * @param {string} origin
 * @returns {(Node|string)[]}
 */
export function describeModel(model, origin) {
  const { config, dataset, history } = model;
  const d = model.parameters.length;
  const [family, flows] = [config.flow_family.replaceAll('_', ' '), config.ensemble_size];
  const weights = count(model.num_parameters);
  const losses = history.map((epoch) => epoch.validation_loss ?? Infinity).filter(Number.isFinite);
  const facts = [
    `${d} ${d === 1 ? 'parameter' : 'parameters'} from ${count(model.n_wavelengths)} data points` +
      `${model.has_sigma ? ' with uncertainties' : ''}`,
    flows > 1 ? `${flows} ${family} flows of ${weights} weights each` : `${family} flow, ${weights} weights`,
  ];
  if (dataset.n) {
    facts.push(`trained on ${count(dataset.n)} simulations${dataset.file ? ` (${dataset.file})` : ''}`);
  }
  if (losses.length > 0)
    facts.push(
      `validation loss ${Math.min(...losses)
        .toFixed(3)
        .replace('-', '\u2212')}`,
    );
  // Whoever trained the model may say what it is: `task_metadata.title`.
  const { title } = /** @type {{title?: unknown}} */ (config.task_metadata ?? {});
  const said = typeof title === 'string' ? `: ${title}` : '';
  return [h('strong', {}, `Model from ${origin}`), `${said} · ${facts.join(' · ')}`];
}
