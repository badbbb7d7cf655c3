/** The training options as a form. What is out of range is refused here, by name, before anything is sent. */
import { claim, h, markInvalid } from './dom.js';

/** The few that most runs need; the rest is folded away by subject. */
const SHOWN = [
  'num_epochs',
  'batch_size',
  'learning_rate',
  'parameter_space',
  'preprocessing',
  'early_stopping_patience',
  'seed',
];

const SUBJECTS = [
  ['Flow', /flow|coupling|hidden_dim|conditioner|autoregressive|bins$|spline_bound|base_/],
  ['Encoder', /encoder|embedding_dim|n_wavelengths/],
  [
    'Schedule and stopping',
    /schedule|warmup|learning_rate|epochs|early_stopping|clip|weight_decay|validation_fraction/,
  ],
  ['Noise and auxiliary losses', /noise|aux_/],
  ['Spline regularization', /regularization|ratio_target|entropy|derivative_target/],
  ['Stability checks', /^stable_/],
  ['Everything else', /./],
];

/**
 * @param {HTMLElement} el
 * @param {{options: object[]}} given the engine's `options()`
 * @returns `read() -> {config, problems: [{name, message}]}`: what differs from the defaults, and what is refused
 */
export function mount(el, { options }) {
  const release = claim(el, 'settings');
  const fields = new Map(options.map((option) => [option.name, field(option)]));
  let extras = {}; // what a set suggests beyond the options in the form
  const bySubject = new Map(SUBJECTS.map(([name]) => [name, []]));
  for (const option of options) {
    if (SHOWN.includes(option.name)) continue;
    bySubject.get(SUBJECTS.find(([, pattern]) => pattern.test(option.name))[0]).push(fields.get(option.name).root);
  }
  const more = [...bySubject]
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => h('fieldset', {}, h('legend', {}, name), h('div', { class: 'fields' }, list)));
  const folded = h('details', { class: 'more' }, h('summary', {}, `All ${options.length} options`), more);
  el.replaceChildren(
    h(
      'div',
      { class: 'fields' },
      SHOWN.filter((name) => fields.has(name)).map((name) => fields.get(name).root),
    ),
    folded,
  );

  return {
    /** `values`: a config; options it leaves out go back to their defaults. */
    update({ values = {} }) {
      extras = Object.fromEntries(Object.entries(values).filter(([name]) => !fields.has(name)));
      for (const option of options) fields.get(option.name).write(values[option.name] ?? option.default);
    },
    read() {
      const config = { ...extras };
      const problems = [];
      for (const option of options) {
        const { value, message } = fields.get(option.name).read();
        if (message) problems.push({ name: option.name, message });
        else if (JSON.stringify(value) !== JSON.stringify(option.default ?? null)) config[option.name] = value;
      }
      if (problems.length) {
        const first = fields.get(problems[0].name);
        if (folded.contains(first.root)) folded.open = true;
        first.input.focus();
      }
      return { config, problems };
    },
    enable(on) {
      fields.forEach(({ input }) => {
        input.disabled = !on;
      });
    },
    destroy: release,
  };
}

function field(option) {
  const id = `option-${option.name}`;
  const input = control(option, id);
  const refusal = h('p', { class: 'refusal', id: `${id}-refusal` });
  const check = () => {
    const result = parse(option, input);
    refusal.textContent = result.message ?? '';
    markInvalid(input, Boolean(result.message));
    return result;
  };
  // While typing, not on leaving: a message that appears then would move the button from under the pointer.
  input.addEventListener('input', check);
  const root = h(
    'div',
    { class: 'field' },
    // Long names may break after an underscore, nowhere else.
    h(
      'label',
      { for: id },
      option.name.split('_').flatMap((part, i) => (i ? ['_', h('wbr'), part] : [part])),
    ),
    input,
    h('p', { class: 'help', id: `${id}-help` }, `${option.help.replace(/\.$/, '')}${standard(option)}`),
    refusal,
  );
  return {
    root,
    input,
    read: check,
    write(value) {
      if (option.kind === 'bool') input.checked = Boolean(value);
      else input.value = written(value, '');
      check();
    },
  };
}

function control(option, id) {
  const common = { id, name: option.name, 'aria-describedby': `${id}-help ${id}-refusal` };
  if (option.kind === 'bool') return h('input', { ...common, type: 'checkbox' });
  if (option.kind === 'choice') {
    const choices = option.optional ? ['', ...option.choices] : option.choices;
    return h(
      'select',
      common,
      choices.map((c) => h('option', { value: c }, c || 'none')),
    );
  }
  const numeric = option.kind === 'int' || option.kind === 'float';
  return h('input', {
    ...common,
    type: 'text',
    inputmode: numeric ? 'decimal' : null,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: option.optional ? 'none' : null,
  });
}

/** What a form field says, in the option's type. */
function parse(option, input) {
  if (option.kind === 'bool') return { value: input.checked };
  const text = input.value.trim();
  const refuse = (expected) => ({ message: `${option.name} = ${text || '(empty)'}: expected ${expected}` });
  if (text === '') return option.optional ? { value: null } : refuse(expectation(option));
  if (option.kind === 'choice') return { value: text };
  if (option.kind !== 'int' && option.kind !== 'float') {
    if (!/^[[{]/.test(text)) return { value: text };
    try {
      return { value: JSON.parse(text) };
    } catch {
      return refuse('JSON');
    }
  }
  const value = Number(text);
  const fits =
    Number.isFinite(value) &&
    (option.kind === 'float' || Number.isSafeInteger(value)) &&
    !(value < (option.min ?? -Infinity)) &&
    !(value > (option.max ?? Infinity));
  return fits ? { value } : refuse(expectation(option));
}

function expectation(option) {
  const { kind, min, max, optional } = option;
  const what = kind === 'int' ? 'a whole number' : kind === 'float' ? 'a number' : 'a value';
  const has = (v) => v !== undefined && v !== null;
  const range =
    has(min) && has(max)
      ? ` from ${min} to ${max}`
      : has(min)
        ? ` of at least ${min}`
        : has(max)
          ? ` of at most ${max}`
          : '';
  return `${what}${range}${optional ? ', or nothing' : ''}`;
}

/** The default, for the help text; the range is said where it is left. */
function standard({ kind, default: value }) {
  if (kind === 'bool') return ` (default ${value ? 'on' : 'off'})`;
  return ` (default ${written(value, 'none')})`;
}

/** A value as it stands in a field; `nothing` for none. */
function written(value, nothing) {
  if (value === null || value === undefined) return nothing;
  return typeof value === 'object' ? JSON.stringify(value) : value;
}
