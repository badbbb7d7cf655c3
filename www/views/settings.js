/** The training options as a form, which refuses a value out of range before anything is sent. */
/** @import { Field, Option } from './option-field.js' */
import { claim, h } from './dom.js';
import { optionField } from './option-field.js';

/**
 * @param {HTMLElement} el
 * @param {object} given
 * @param {Option[]} given.options the engine's `options()`
 * @param {(config: Record<string, any>) => void} [given.onChange] is called with all settings after each change,
 *   without values that are refused
 */
export function mount(el, { options, onChange = () => {} }) {
  const release = claim(el, 'settings');
  const fields = options.map((option) => ({ option, field: optionField(option) }));
  const names = new Set(options.map(({ name }) => name));
  /** @type {Record<string, unknown>} values that were filled in for options that the form does not have */
  let extras = {};
  const short = fields.filter(({ option }) => option.short).map(({ field }) => field.root);
  const folded = h('details', { class: 'more' }, h('summary', {}, `All ${options.length} options`), bySubject(fields));
  const oninput = () => onChange(settings().config);
  el.replaceChildren(h('div', { oninput }, h('div', { class: 'fields' }, short), folded));

  /** What differs from the defaults, and the fields whose value is refused. */
  function settings() {
    /** @type {Record<string, any>} */
    const config = { ...extras };
    /** @type {{name: string, message: string, field: Field}[]} */
    const problems = [];
    for (const { option, field } of fields) {
      const { value, message } = field.read();
      if (message) problems.push({ name: option.name, message, field });
      else if (JSON.stringify(value) !== JSON.stringify(option.default ?? null)) config[option.name] = value;
    }
    return { config, problems };
  }

  return {
    /**
     * Fills the form in; an option that `values` leaves out goes back to its default.
     * @param {{values?: Record<string, any>}} filled
     */
    update({ values = {} }) {
      extras = Object.fromEntries(Object.entries(values).filter(([name]) => !names.has(name)));
      for (const { option, field } of fields) field.write(values[option.name] ?? option.default);
      oninput();
    },

    /**
     * Reads the form.
     * @returns what differs from the defaults, and what is refused; the first field that is refused has the focus
     */
    read() {
      const { config, problems } = settings();
      if (problems.length > 0) focus(problems[0].field, folded);
      return { config, problems };
    },

    /**
     * Dims the options without effect. They can still be changed.
     * @param {string[]} names
     */
    dim(names) {
      for (const { option, field } of fields) field.mark(!names.includes(option.name));
    },

    /**
     * Lets the form be changed or not.
     * @param {boolean} on
     */
    enable(on) {
      for (const { field } of fields) field.input.disabled = !on;
    },
    destroy: release,
  };
}

/**
 * The fields that are folded away, in groups by their subjects.
 * @param {{option: Option, field: Field}[]} fields
 */
function bySubject(fields) {
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const { option, field } of fields.filter((f) => !f.option.short)) {
    groups.set(option.subject, [...(groups.get(option.subject) ?? []), field.root]);
  }
  return [...groups].map(([subject, roots]) =>
    h('fieldset', {}, h('legend', {}, subject), h('div', { class: 'fields' }, roots)),
  );
}

/**
 * @param {Field} field
 * @param {HTMLDetailsElement} fold
 */
function focus({ root, input }, fold) {
  if (fold.contains(root)) fold.open = true;
  input.focus();
}
