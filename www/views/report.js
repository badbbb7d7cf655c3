/** What a check found: the tables and plots of a page that the engine made. */
/** @import { View } from './types.d.ts' */
import { claim } from './dom.js';

/**
 * Shows a report; without one the element is hidden. The style rules of a report are for a whole document, and the
 * security policy of the page may forbid style elements. So the report goes into a shadow tree, with its rules as a
 * constructed sheet. Its colors come from views.css.
 * @param {HTMLElement} el
 * @returns {View<{html?: string|null}>}
 */
export function mount(el) {
  const release = claim(el, 'report');
  const root = el.shadowRoot ?? el.attachShadow({ mode: 'open' });

  /** @param {{html?: string|null}} report */
  function update({ html }) {
    el.hidden = !html;
    if (!html) return root.replaceChildren();
    const STYLE = /<style>([\s\S]*?)<\/style>/;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE.exec(html)?.[1] ?? '');
    root.adoptedStyleSheets = [sheet];
    // The engine escapes names, and a document that is parsed like this runs no scripts.
    const { body } = new DOMParser().parseFromString(html.replace(STYLE, ''), 'text/html');
    body.querySelector('h1')?.remove();
    root.replaceChildren(...body.childNodes);
  }
  return {
    update,
    destroy() {
      root.replaceChildren();
      release();
    },
  };
}
