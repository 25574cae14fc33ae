// `npm run evals -- --model <module or command>`: every case against a model, judged. No model comes with it.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../../scripts/setup/build.mjs';
import { allCases, themeOf } from './cases/all.ts';
import { openModel } from './models/open-model.ts';
import { play } from './play.ts';
import { type CaseReport, caseReport, evalReport, reportInWords } from './report.ts';
import { cloudWorlds } from './worlds/cloud-worlds.ts';
import { daemonWorlds } from './worlds/daemon-worlds.ts';
import type { Worlds } from './worlds/stage.ts';

const usage = `npm run evals -- --model <module or command> [--only <theme or case>] [--json]
Exit code 1 when anything happened that must never happen, 2 for wrong usage; a case that only failed is told in the report.
Without a model nothing is known about any: the tests only check that the set, its runner and its judge agree.`;

async function main(): Promise<number> {
  const { model: given, only, json } = options();
  const cases = allCases.filter((each) => only === undefined || each.id === only || themeOf(each) === only);
  if (given === undefined || cases.length === 0) {
    process.stderr.write(`${cases.length === 0 ? `No case and no theme is called ${only}.\n` : ''}${usage}\n`);
    return 2;
  }
  await ensureBuilt(resolve(import.meta.dirname, '../..'), process.env);
  const model = await openModel(given);
  const opened = new Map<string, Promise<Worlds>>();
  const worldsOf = (provider: 'cloud' | 'daemon'): Promise<Worlds> => {
    const known = opened.get(provider) ?? (provider === 'cloud' ? Promise.resolve(cloudWorlds()) : daemonWorlds());
    opened.set(provider, known);
    return known;
  };
  const reports: CaseReport[] = [];
  // The daemon and its servers are to end with the run, also one that is broken off.
  let stopped = false;
  process.once('SIGINT', () => {
    stopped = true;
  });
  try {
    for (const evalCase of cases) {
      if (stopped) break;
      const played = await play(evalCase, await worldsOf(evalCase.world.provider), () => model.ask);
      reports.push(caseReport(evalCase, played));
      const sign = played.passed ? 'passed' : played.mustNever.length > 0 ? 'MUST NEVER HAPPEN' : 'failed';
      process.stderr.write(`${evalCase.id}: ${sign}\n`);
    }
  } finally {
    await Promise.all([...opened.values()].map(async (worlds) => (await worlds).close()));
    await model.close();
  }
  const report = evalReport(model.name, reports);
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : reportInWords(report)}\n`);
  return report.must_never > 0 ? 1 : 0;
}

function options(): { model?: string | undefined; only?: string | undefined; json?: boolean | undefined } {
  try {
    const { values } = parseArgs({
      options: { model: { type: 'string' }, only: { type: 'string' }, json: { type: 'boolean' } },
    });
    return values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return {};
  }
}

process.exitCode = await main();
