/**
 * Compares the types in `www/client/*.d.ts` with the code: `tsc` fails if they differ. The classes of the client are
 * compared in their own files. Here are the other exports, and the code of a caller.
 */

import type * as declared from 'flowglass';
import type * as declaredEngine from 'flowglass/engine';
import * as code from '../../www/client/devices.js';
import * as families from '../../www/client/families.js';
import { EVENT, STATUS } from '../../www/client/protocol.js';
import { isTimedFor } from '../../www/client/timing.js';
import { PULL_MS } from '../../www/client/training-loop.js';

export const exports: Omit<typeof declared, 'Flowglass'> = {
  ...families,
  DEVICES: code.DEVICES,
  whyNoWebGpu: code.whyNoWebGpu,
  EVENT,
  STATUS,
  isTimedFor,
};

export const engineExports: Omit<typeof declaredEngine, 'LocalFlowglass'> = { PULL_MS };

/** Every kind of event has a word in `EVENT`, and every word a kind. */
type Words = (typeof EVENT)[keyof typeof EVENT];
export const kinds: Record<declared.TrainingEvent['kind'], true> = {} as Record<Words, true>;
export const words: Record<Words, true> = {} as Record<declared.TrainingEvent['kind'], true>;

/** What callers write compiles; what they must not write does not. */
export async function caller(flowglass: declared.Flowglass) {
  const { observation } = await flowglass.setRow(0);
  const { draws } = await flowglass.samplePosterior(observation, 1000, 0, 'cube');
  const sum: number = draws[0] + draws.length;
  await flowglass.samplePosterior({ values: [1, 2, 3], sigma: [0.1, 0.1, 0.1] }, 10, 0);
  const run = flowglass.train({ flow_family: 'spline', early_stopping_patience: null }, { onEvent: (e) => heard(e) });
  const { status, summary } = await run.done;
  flowglass.train({ ...summary?.tuning, num_epochs: 2 }, { fromModel: summary?.from[0]?.model ?? 'model' });
  const { report } = await flowglass.checkAt(observation, { n_near: 100 }, { onProgress: ({ steps }) => steps }).done;
  const says: string | undefined = report?.observations[0].parameters[0].says[0];
  flowglass.addEventListener('restarted', ({ detail }) => detail.training === 'lost');
  // @ts-expect-error: options are known by their names.
  flowglass.train({ num_epoch: 5 });
  // @ts-expect-error: a choice is one of its words.
  flowglass.train({ flow_family: 'splines' });
  // @ts-expect-error: a seed is no text.
  flowglass.samplePosterior(observation, 10, '0');
  // @ts-expect-error: there is no such space.
  flowglass.logProb(observation, [0], 'unit');
  return [sum, status, says, summary?.num_parameters];
}

function heard(event: declared.TrainingEvent): number {
  switch (event.kind) {
    case 'started':
      return event.total_steps;
    case 'progress':
      return event.train_loss ?? 0;
    case 'epoch':
      return event.validation_loss ?? 0;
    case 'skipped':
      return event.count;
    case 'finished':
      return event.best_epoch ?? 0;
  }
}
