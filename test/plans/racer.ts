import { once } from 'node:events';
import { SkybackupError } from '../../src/contract/errors.ts';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { subject } from './draft.ts';

/**
 * One of several racing processes: waits for a line on stdin, then approves or claims every plan and prints one word a plan.
 * Arguments: the file, `approve` or `claim`, then `<plan id>=<nonce>` each.
 */
const [, , file = '', step = '', ...plans] = process.argv;
const store = openPlanStore(file);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const results = plans.map((pair) => {
  const [id = '', nonce = ''] = pair.split('=');
  try {
    if (step === 'claim') store.claim(id, subject);
    else store.approve(id, { channel: 'elicitation', typed_id: 'orders', nonce });
    return 'won';
  } catch (error) {
    return error instanceof SkybackupError ? error.code : String(error);
  }
});
process.stdout.write(`${JSON.stringify(results)}\n`);
store.close();
process.stdin.destroy();
