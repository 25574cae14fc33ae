/**
 * A process of its own that undoes one restore, to be killed: `node undo-child.ts <request.json>`. Says `reached` after the
 * step named in the request, and then waits for its end.
 */
import { readFileSync, writeSync } from 'node:fs';
import { homeOf } from '../../../src/contract/home.ts';
import type { KeptData } from '../../../src/engine/restore/kept-data.ts';
import { undoRestore } from '../../../src/engine/restore/undo.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { testJob } from './sample-backup.ts';

export interface UndoChildRequest {
  root: string;
  restoreId: number;
  newIncarnation: string;
  target: ServiceRecord;
  kept: KeptData;
  until: string;
}

const request = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as UndoChildRequest;
const { root, until, ...input } = request;

await undoRestore(
  { ...input, home: homeOf({ SKYBACKUP_HOME: root }), highestGtids: '', beforeSwap: () => {} },
  testJob(),
  {
    afterStep: async (step) => {
      if (step !== until) return;
      writeSync(1, 'reached\n');
      setInterval(() => {}, 60_000);
      await new Promise(() => {});
    },
  },
);
