#!/usr/bin/env node
/**
 * Compares Flowglass with its peers: `node benches/ratios.mjs RESULTS.jsonl...`. The files hold lines of `run.mjs` and of
 * the peers' scripts, measured one after another on one machine. Prints tables in Markdown: milliseconds, and how many times
 * as fast as the fastest peer of a kind Flowglass is. If a measurement has several lines, the last one counts.
 */
import { readFileSync } from 'node:fs';

const OPERATIONS = [
  'train_step_b32',
  'train_step_b256',
  'sample_10k',
  'log_prob_10k',
  'batch_sample_256x100',
  'sample_100k',
];
const NAMES = { R: 'spline coupling', A: 'affine coupling', M: 'autoregressive splines', N: 'neural autoregressive' };
const isOurs = ({ peer }) => peer.startsWith('flowglass');
const inBrowser = ({ peer }) => /^(jaxjs|tfjs|ort)/.test(peer);

const rows = new Map(); // by workload, peer, variant of the peer (such as ONNX Runtime's) and threads
for (const file of process.argv.slice(2)) {
  for (const text of readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))) {
    const line = JSON.parse(text);
    if (!OPERATIONS.includes(line.op) || line.error) continue;
    const key = [line.workload, line.peer, line.conv ?? '', line.threads].join('|');
    const row = rows.get(key) ?? { ...line, operations: {} };
    row.operations[line.op] = line;
    rows.set(key, row);
  }
}

const ms = (line) => (line ? (line.median_s * 1000).toPrecision(3).replace(/e\+(\d+)/, (_, n) => `e${n}`) : '–');
const table = (head, lines) =>
  console.log(
    [
      `| ${head.join(' | ')} |`,
      `|${head.map(() => '---').join('|')}|`,
      ...lines.map((l) => `| ${l.join(' | ')} |`),
    ].join('\n'),
  );

for (const workload of [...new Set([...rows.values()].map((row) => row.workload))].sort(
  (a, b) => 'RAMN'.indexOf(a) - 'RAMN'.indexOf(b),
)) {
  const here = [...rows.values()]
    .filter((row) => row.workload === workload)
    .sort((a, b) => a.peer.localeCompare(b.peer) || a.threads - b.threads);
  console.log(`\n### ${workload}: ${NAMES[workload] ?? ''}\n\nMedian milliseconds\n`);
  const name = (row) => `${row.peer}${row.conv ? ` (${row.conv})` : ''}`;
  table(
    ['', 'threads', ...OPERATIONS],
    here.map((row) => [name(row), row.threads, ...OPERATIONS.map((op) => ms(row.operations[op]))]),
  );
  const kinds = [
    ['the fastest browser peer, 1 thread', (row) => inBrowser(row) && row.threads === 1],
    ['the fastest browser peer', inBrowser],
    ['JAX natively, 1 thread', (row) => /^(jax|flowjax)/.test(row.peer) && !inBrowser(row) && row.threads === 1],
    ['JAX natively, 2 threads', (row) => /^(jax|flowjax)/.test(row.peer) && !inBrowser(row) && row.threads === 2],
  ];
  console.log('\nTimes as fast as\n');
  table(
    ['Flowglass', 'threads', 'peer', ...OPERATIONS],
    here.filter(isOurs).flatMap((row) =>
      kinds.map(([kind, belongs]) => {
        const ratio = (op) => {
          const peers = here.filter((peer) => !isOurs(peer) && belongs(peer) && peer.operations[op]);
          const best = Math.min(...peers.map((peer) => peer.operations[op].median_s));
          return row.operations[op] && peers.length ? (best / row.operations[op].median_s).toFixed(2) : '–';
        };
        return [row.peer, row.threads, kind, ...OPERATIONS.map(ratio)];
      }),
    ),
  );
}
