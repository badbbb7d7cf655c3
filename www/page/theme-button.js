/** The button that chooses between a light page, a dark one, and the system's choice; theme.js has read it before. */

const MODES = ['system', 'light', 'dark'];

/** @param {HTMLButtonElement} button */
export function themeButton(button) {
  const root = document.documentElement;
  const mode = () => root.dataset.theme ?? 'system';
  const show = () => {
    button.textContent = `◐ ${mode()}`;
    button.setAttribute('aria-label', `Color theme: ${mode()}`);
  };
  button.addEventListener('click', () => {
    const next = MODES[(MODES.indexOf(mode()) + 1) % MODES.length];
    if (next === 'system') delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem('flowglass-theme', next);
    } catch {
      // No storage: the choice lasts as long as the page.
    }
    show();
  });
  show();
}
