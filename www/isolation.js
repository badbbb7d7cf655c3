/**
 * A service worker for hosts that cannot send headers, as most of static files: it adds those that make the page cross-origin
 * isolated, which several threads need (as `serve.mjs` sends them). It keeps nothing, and hands on what comes as it comes.
 */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

async function isolated(request) {
  const answer = await fetch(request);
  // A redirection is the browser's to follow.
  if (answer.type !== 'basic') return answer;
  const headers = new Headers(answer.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}

addEventListener('install', () => skipWaiting());
addEventListener('fetch', (event) => {
  const here = new URL(event.request.url).origin === location.origin;
  if (here) event.respondWith(isolated(event.request));
});
