/** Files in and out: choosing, dropping, saving. */

/**
 * Calls `onFile` when `button` is pressed and a file is chosen in `input`.
 * @param {HTMLButtonElement} button
 * @param {HTMLInputElement} input
 * @param {(file: File) => unknown} onFile
 */
export function chooser(button, input, onFile) {
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = ''; // so that the same file can be chosen again
    if (file) onFile(file);
  });
}

/**
 * The end of a file's name, in lower case, with its dot.
 * @param {string} name
 */
export const extension = (name) => /\.[^.]*$/.exec(name.toLowerCase())?.[0] ?? '';

/**
 * A file's name without its ending.
 * @param {string} name
 */
export const stem = (name) => name.replace(/\.[^.]*$/, '');

/** @param {DragEvent} event */
const hasFiles = (event) => event.dataTransfer?.types.includes('Files');

/** Keeps the browser from opening a dropped file in the place of the page, even before the page can read files. */
export function holdFiles() {
  const hold = (/** @type {DragEvent} */ event) => {
    if (hasFiles(event)) event.preventDefault();
  };
  addEventListener('dragover', hold);
  addEventListener('drop', hold);
}

/**
 * Makes the whole page a drop zone; `holdFiles` must have been called.
 * @param {{hint: HTMLElement, describe: (overPosterior: boolean) => string,
 *   onFile: (file: File, overPosterior: boolean) => unknown}} options
 */
export function dropAnywhere({ hint, describe, onFile }) {
  const over = (/** @type {DragEvent} */ { target }) =>
    target instanceof Element && target.closest('#posterior') !== null;
  addEventListener('dragover', (event) => {
    if (!event.dataTransfer || !hasFiles(event)) return;
    event.dataTransfer.dropEffect = 'copy';
    hint.hidden = false;
    hint.children[0].textContent = describe(over(event));
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) hint.hidden = true;
  });
  addEventListener('drop', (event) => {
    if (!event.dataTransfer || !hasFiles(event)) return;
    hint.hidden = true;
    for (const file of event.dataTransfer.files) onFile(file, over(event));
  });
}

/**
 * Saves bytes or text as a file.
 * @param {string} name
 * @param {Uint8Array|string} bytes
 */
export function save(name, bytes, type = 'application/octet-stream') {
  const url = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (bytes)], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/**
 * Saves an SVG of the page as a file that looks the same elsewhere: the rules of the style sheet become attributes.
 * @param {string} name
 * @param {SVGElement} root
 */
export function saveFigure(name, root) {
  const copy = /** @type {SVGElement} */ (root.cloneNode(true));
  const PROPERTIES = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-size', 'font-family'];
  const originals = [root, ...root.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
    const style = getComputedStyle(originals[i]);
    for (const property of PROPERTIES) element.setAttribute(property, style.getPropertyValue(property));
    element.removeAttribute('class');
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  save(name, new XMLSerializer().serializeToString(copy), 'image/svg+xml');
}
