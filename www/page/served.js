// A classic script in the head. Browsers load the page's modules only from a server, and a page without its modules
// would wait without a word. So the page says what to do, unless this script marks it as served before the first paint.
if (location.protocol !== 'file:') {
  document.documentElement.dataset.served = 'whole';
  // An error of a script element does not bubble: a listener hears it only on its way down.
  addEventListener(
    'error',
    ({ target }) => {
      if (target instanceof HTMLScriptElement) document.documentElement.dataset.served = 'in part';
    },
    true,
  );
}
