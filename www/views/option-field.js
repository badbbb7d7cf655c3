/** One option as a field of a form: its control, its help, when it has an effect, and why a value is refused. */
import { h, markInvalid } from './dom.js';

/**
 * An option, as the engine's `options()` describes it.
 * @typedef {object} Option
 * @property {string} name
 * @property {'int'|'float'|'bool'|'choice'|'text'|'json'} kind
 * @property {number} [min]
 * @property {number} [max]
 * @property {string[]} [choices]
 * @property {unknown} default
 * @property {boolean} optional whether it may be left empty
 * @property {boolean} short whether it is among the few that are not folded away
 * @property {string} subject what it is about, as a heading
 * @property {string} help
 * @property {string|null} [only_if] when it has an effect, as the end of a sentence after "only if"; null for always
 */

/** @typedef {{value?: unknown, message?: string}} Answer a value, or why it is refused */
/** @typedef {HTMLInputElement|HTMLSelectElement} Control */

/**
 * @typedef {object} Field
 * @property {HTMLElement} root
 * @property {Control} input
 * @property {() => Answer} read
 * @property {(value: unknown) => void} write
 * @property {(hasEffect: boolean) => void} mark dims the field and says so where the option has no effect
 */

/**
 * Makes the field of an option.
 * @param {Option} option
 * @returns {Field}
 */
export function optionField(option) {
  const { name } = option;
  const id = `option-${name}`;
  const { input, text, write } = control(option, id);
  const refusal = h('p', { class: 'refusal', id: `${id}-refusal` });
  const read = () => {
    const answer = parse(option, text());
    refusal.textContent = answer.message ?? '';
    markInvalid(input, Boolean(answer.message));
    return answer;
  };
  // Checked while typing, not when the focus leaves: a message would then move the button away from under the pointer.
  input.addEventListener('input', read);
  // Long names may break after an underscore, nowhere else.
  const label = name.split('_').flatMap((part, i) => (i ? ['_', h('wbr'), part] : [part]));
  const help = `${option.help.replace(/\.$/, '')} (default ${usual(option)})`;
  const condition = option.only_if ? h('p', { class: 'help condition', id: `${id}-condition` }) : null;
  const root = h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    input,
    h('p', { class: 'help', id: `${id}-help` }, help),
    condition,
    refusal,
  );
  /** @param {boolean} hasEffect */
  const mark = (hasEffect) => {
    root.classList.toggle('idle', !hasEffect);
    if (condition) condition.textContent = `${hasEffect ? 'Used' : 'Not used now: used'} only if ${option.only_if}`;
  };
  mark(true);
  return {
    root,
    input,
    read,
    mark,
    write(value) {
      write(value);
      read();
    },
  };
}

/**
 * The control of an option: a box to check, a menu, or a line of text.
 * @param {Option} option
 * @param {string} id
 * @returns {{input: Control, text: () => string, write: (value: unknown) => void}} `text`: what it says; a box that is
 *   checked says "true"
 */
function control({ name, kind, optional, choices = [] }, id) {
  const common = { id, name, 'aria-describedby': `${id}-help ${id}-condition ${id}-refusal` };
  if (kind === 'bool') {
    const input = h('input', { ...common, type: 'checkbox' });
    const write = (/** @type {unknown} */ value) => {
      input.checked = Boolean(value);
    };
    return { input, text: () => String(input.checked), write };
  }
  const input =
    kind === 'choice'
      ? h(
          'select',
          common,
          (optional ? ['', ...choices] : choices).map((c) => h('option', { value: c }, c || 'none')),
        )
      : h('input', {
          ...common,
          type: 'text',
          inputmode: kind === 'int' || kind === 'float' ? 'decimal' : null,
          autocomplete: 'off',
          spellcheck: 'false',
          placeholder: optional ? 'none' : null,
        });
  const write = (/** @type {unknown} */ value) => {
    input.value = written(value, '');
  };
  return { input, text: () => input.value.trim(), write };
}

/**
 * What a field says, in the option's type.
 * @param {Option} option
 * @param {string} text
 * @returns {Answer}
 */
function parse(option, text) {
  const { name, kind, optional, min = -Infinity, max = Infinity } = option;
  const refuse = (/** @type {string} */ expected) => ({
    message: `${name} = ${text || '(empty)'}: expected ${expected}`,
  });
  if (kind === 'bool') return { value: text === 'true' };
  if (text === '') return optional ? { value: null } : refuse(expectation(option));
  if (kind === 'choice') return { value: text };
  if (kind !== 'int' && kind !== 'float') {
    if (!/^[[{]/.test(text)) return { value: text };
    try {
      return { value: JSON.parse(text) };
    } catch {
      return refuse('JSON');
    }
  }
  const value = Number(text);
  const isNumber = kind === 'int' ? Number.isSafeInteger(value) : Number.isFinite(value);
  return isNumber && value >= min && value <= max ? { value } : refuse(expectation(option));
}

/** @param {Option} option */
function expectation({ kind, min, max, optional }) {
  const what = kind === 'int' ? 'a whole number' : kind === 'float' ? 'a number' : 'a value';
  const [hasMin, hasMax] = [min, max].map((bound) => bound !== undefined && bound !== null);
  let range = '';
  if (hasMin && hasMax) range = ` from ${min} to ${max}`;
  else if (hasMin) range = ` of at least ${min}`;
  else if (hasMax) range = ` of at most ${max}`;
  return `${what}${range}${optional ? ', or nothing' : ''}`;
}

/**
 * The default, for the help text; the range is told when it is left.
 * @param {Option} option
 */
function usual({ kind, default: value }) {
  if (kind === 'bool') return value ? 'on' : 'off';
  return written(value, 'none');
}

/**
 * A value as it stands in a field.
 * @param {unknown} value
 * @param {string} nothing for none
 */
function written(value, nothing) {
  if (value === null || value === undefined) return nothing;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
