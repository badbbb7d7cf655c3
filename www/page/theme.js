// A classic script in the head, so that the chosen theme is set before the first paint.
try {
  const chosen = localStorage.getItem('flowglass-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // No storage (a sandboxed frame): the system's color scheme applies.
}
