/** Files in and out: choosing, dropping, saving. */

/** Calls `onFile` when `button` is pressed and a file is chosen in `input`. */
export function chooser(button, input, onFile) {
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const [file] = input.files;
    input.value = ''; // so that the same file can be chosen again
    if (file) onFile(file);
  });
}

/** The end of a file's name, in lower case, with its dot. */
export const extension = (name) => /\.[^.]*$/.exec(name.toLowerCase())?.[0] ?? '';

/** A file's name without its ending. */
export const stem = (name) => name.replace(/\.[^.]*$/, '');

const hasFiles = (event) => event.dataTransfer?.types.includes('Files');

/** Keeps files that are dropped from taking the page's place, from when nobody takes them yet. */
export function holdFiles() {
  for (const name of ['dragover', 'drop']) {
    addEventListener(name, (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
  }
}

/**
 * Makes the whole page a drop zone, where files are held already.
 * @param {{hint: HTMLElement, describe: (overPosterior: boolean) => string,
 *   onFile: (file: File, overPosterior: boolean) => void}} options
 */
export function dropAnywhere({ hint, describe, onFile }) {
  const over = (event) => Boolean(event.target.closest?.('#posterior'));
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.dataTransfer.dropEffect = 'copy';
    hint.hidden = false;
    hint.firstElementChild.textContent = describe(over(event));
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) hint.hidden = true;
  });
  addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    hint.hidden = true;
    for (const file of event.dataTransfer.files) onFile(file, over(event));
  });
}

/** Saves `bytes` under `name`. */
export function save(name, bytes, type = 'application/octet-stream') {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** An SVG on the page as a file that looks the same elsewhere: what the style sheet says is written into it. */
export function saveFigure(name, root) {
  const copy = root.cloneNode(true);
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
