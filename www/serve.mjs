#!/usr/bin/env node
/**
 * A small static server for the built folder: `node www/serve.mjs DIR [PORT]`.
 *
 * It listens on this machine only (127.0.0.1). The three cross-origin headers make the page cross-origin isolated, which
 * threads in WebAssembly need. The page also works on hosts that send none of them.
 */

import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const MIME = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.csv': 'text/csv; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
};

const HEADERS = { 'Cache-Control': 'no-cache' };

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** The headers that let pages of other origins import the scripts. */
const SHARED = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' };

/** The file behind a request path, or null if there is none inside `root`. */
async function find(root, requestPath) {
  let path;
  try {
    path = decodeURIComponent(requestPath);
  } catch {
    return null;
  }
  if (path.includes('\0')) return null;
  try {
    let file = await realpath(join(root, path));
    if (file !== root && !file.startsWith(root + sep)) return null;
    let info = await stat(file);
    if (info.isDirectory()) {
      if (!path.endsWith('/')) return { redirect: true };
      file = join(file, 'index.html');
      info = await stat(file);
    }
    return info.isFile() ? { file, size: info.size } : null;
  } catch {
    return null;
  }
}

/**
 * Serves `folder` under `prefix` ("/" or "/some/where/"), on `port` or the next free one (0: any).
 * @param {{isolated?: boolean, shared?: boolean}} how whether the page is cross-origin isolated, and whether pages of other
 *   origins may import what is served
 * @returns {Promise<{url: string, headers: object, close: () => Promise<void>}>}
 */
export async function serve(folder, port = 0, prefix = '/', { isolated = true, shared = false } = {}) {
  const headers = { ...HEADERS, ...(isolated && ISOLATION), ...(shared && SHARED) };
  const root = await realpath(resolve(folder));
  const server = createServer(async (request, response) => {
    const refuse = (status, text) => {
      response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
      response.end(text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'only GET and HEAD\n');
    const path = request.url.split(/[?#]/)[0];
    if (!path.startsWith(prefix)) return refuse(404, 'not found\n');
    const found = await find(root, `/${path.slice(prefix.length)}`);
    if (!found) return refuse(404, 'not found\n');
    if (found.redirect) {
      response.writeHead(301, { ...headers, Location: `${path}/` });
      return response.end();
    }
    const type = MIME[extname(found.file).toLowerCase()] ?? 'application/octet-stream';
    response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': found.size });
    if (request.method === 'HEAD') return response.end();
    createReadStream(found.file)
      .on('error', () => response.destroy())
      .pipe(response);
  });
  const taken = await listen(server, port);
  return {
    headers,
    url: `http://127.0.0.1:${taken}${prefix}`,
    close: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}

async function listen(server, port) {
  for (let tried = 0; ; tried++) {
    try {
      await new Promise((resolved, rejected) => {
        server.once('error', rejected);
        server.listen(port && port + tried, '127.0.0.1', () => {
          server.off('error', rejected);
          resolved();
        });
      });
      return server.address().port;
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || !port || tried >= 50) throw error;
    }
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(await realpath(process.argv[1])).href) {
  const [folder, port = '8000'] = process.argv.slice(2);
  if (!folder || !/^\d+$/.test(port)) {
    console.error('usage: node serve.mjs DIR [PORT]');
    process.exit(2);
  }
  const { url } = await serve(folder, Number(port));
  console.log(`Flowglass is at ${url}`);
}
