/**
 * A service worker for hosts that cannot send headers, which most hosts of static files cannot: it adds the headers that
 * make the page cross-origin isolated, as `serve.mjs` sends them. Several threads need that. It keeps nothing, and hands
 * on every answer as it comes.
 */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** This worker; the types of service workers cannot be had beside those of pages. */
const worker = /** @type {any} */ (globalThis);

/** @param {Request} request */
async function isolated(request) {
  const answer = await fetch(request);
  // A redirection is the browser's to follow.
  if (answer.type !== 'basic') return answer;
  const headers = new Headers(answer.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}

worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const here = new URL(event.request.url).origin === location.origin;
  if (here) event.respondWith(isolated(event.request));
});
