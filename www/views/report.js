/** What a check found: the tables and plots of a page that the engine made. */
import { claim } from './dom.js';

/**
 * `update({html})`; none takes it away. The page's rules are for a whole document and the policy of this one allows no
 * style element, so the report goes into a shadow tree with its rules as a sheet; its colors are the page's (views.css).
 */
export function mount(el) {
  const release = claim(el, 'report');
  const root = el.shadowRoot ?? el.attachShadow({ mode: 'open' });

  function update({ html }) {
    el.hidden = !html;
    if (!html) return root.replaceChildren();
    const STYLE = /<style>([\s\S]*?)<\/style>/;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE.exec(html)?.[1] ?? '');
    root.adoptedStyleSheets = [sheet];
    // Names in it are escaped by the engine, and what is parsed so runs nothing.
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
