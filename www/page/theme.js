// A classic script in the head: the chosen theme must be on before the first paint.
try {
  const chosen = localStorage.getItem('flowglass-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // No storage (a sandboxed frame): the system's scheme it is.
}
