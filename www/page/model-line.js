/** A model in one line. */
import { count } from '../views/format.js';
import { h } from '../views/dom.js';

/** @returns {Node[]} what the model is, where it comes from, and what it expects */
export function describeModel(model, origin) {
  const { config = {}, dataset, history } = model;
  const d = model.parameters.length;
  const [family, flows] = [config.flow_family?.replaceAll('_', ' '), config.ensemble_size ?? 1];
  const weights = count(model.num_parameters);
  const best = history?.length ? Math.min(...history.map((e) => e.validation_loss).filter(Number.isFinite)) : NaN;
  const facts = [
    `${d} ${d === 1 ? 'parameter' : 'parameters'} from ${count(model.n_wavelengths)} data points` +
      `${model.has_sigma ? ' with uncertainties' : ''}`,
    family &&
      (flows > 1 ? `${flows} ${family} flows of ${weights} weights each` : `${family} flow, ${weights} weights`),
    dataset?.n && `trained on ${count(dataset.n)} simulations${dataset.file ? ` (${dataset.file})` : ''}`,
    Number.isFinite(best) && `validation loss ${best.toFixed(3).replace('-', '\u2212')}`,
  ];
  // Whoever trained the model may say what it is: `task_metadata.title`.
  const title = typeof config.task_metadata?.title === 'string' && `: ${config.task_metadata.title}`;
  return [h('strong', {}, `Model from ${origin}`), `${title || ''} · ${facts.filter(Boolean).join(' · ')}`];
}
