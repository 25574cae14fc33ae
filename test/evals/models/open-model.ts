import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { commandModel } from './command-model.ts';
import type { Adapter, Model } from './model.ts';

const AdapterModule = z.looseObject({
  createAdapter: z.custom<() => Adapter>((value) => typeof value === 'function'),
});

/** What `--model` names: a module that exports `createAdapter()`, or a command that speaks JSON lines. */
export async function openModel(given: string): Promise<Model> {
  const path = resolve(given);
  if (!/\.[cm]?[jt]s$/.test(given) || !existsSync(path)) return commandModel(given);
  const module = AdapterModule.safeParse(await import(pathToFileURL(path).href));
  if (!module.success) throw new Error(`${given} exports no function createAdapter.`);
  return { name: given, ask: module.data.createAdapter(), close: async () => undefined };
}
