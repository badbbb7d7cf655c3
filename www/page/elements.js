/** Elements of index.html, by their ids. */

/**
 * An element that index.html has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * An input that index.html has.
 * @param {string} id
 * @returns {HTMLInputElement}
 */
export const input = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/**
 * A button that index.html has.
 * @param {string} id
 * @returns {HTMLButtonElement}
 */
export const button = (id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));

/**
 * Has a form do `work` instead of being sent.
 * @param {HTMLElement} form
 * @param {() => unknown} work
 */
export const onSubmit = (form, work) =>
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    work();
  });
