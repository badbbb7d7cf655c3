/**
 * A service worker for hosts that cannot send headers; most hosts of static files cannot. It adds the headers that make the
 * page cross-origin isolated, which several threads need; `serve.mjs` sends the same headers. It stores nothing, and changes
 * nothing else in an answer.
 */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** This worker. Its type is `any`, because the types of service workers and of pages exclude each other. */
const worker = /** @type {any} */ (globalThis);

/** @param {Request} request */
async function isolated(request) {
  const answer = await fetch(request);
  // The browser itself follows a redirection.
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
