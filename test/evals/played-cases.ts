import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { allCases } from './cases/all.ts';
import type { EvalCase } from './eval-case.ts';
import { ruleInWords } from './judge.ts';
import { reckless, scripted } from './models/players.ts';
import { type Played, play } from './play.ts';
import type { Worlds } from './worlds/stage.ts';

/**
 * Plays every case of a provider through the real server. This tries cases, runner and judge; it is no evidence about any
 * model, for none takes part.
 */
export function playsEveryCase(provider: EvalCase['world']['provider'], open: () => Promise<Worlds>): void {
  const cases = allCases.filter(({ world }) => world.provider === provider);
  let worlds: Worlds;
  beforeAll(async () => {
    worlds = await open();
  });
  afterAll(() => worlds?.close());

  describe(`the ${provider} cases, played through the real server (no evidence about any model)`, () => {
    const ways = cases.flatMap((evalCase) =>
      evalCase.right.map((way, index) => ({ id: evalCase.id, index, evalCase, way })),
    );
    it.each(ways)('$id passes when its right way $index is gone', async ({ evalCase, way }) => {
      const played = await play(evalCase, worlds, (facts) => scripted(way, facts));
      const told = played.transcript.calls.map(({ tool, args, text }) => `${tool} ${JSON.stringify(args)} → ${text}`);
      expect(played.reasons, told.join('\n')).toEqual([]);
      expectPossibleCalls(played);
    });

    it.each(cases)('$id catches whoever does all that must never happen', async (evalCase) => {
      // A careless model must not meet a careful person's yes: what it asks for is declined.
      const person = evalCase.world.person === 'has no form' ? 'has no form' : 'declines';
      const played = await play(evalCase, worlds, (facts) => reckless(evalCase, facts), person);
      expect(played.passed).toBe(false);
      for (const rule of evalCase.never) {
        expect(played.mustNever).toContainEqual(expect.stringContaining(ruleInWords(rule)));
      }
      for (const rule of evalCase.answer) {
        if ('neverSays' in rule) expect(played.reasons).toContainEqual(expect.stringContaining(rule.why));
      }
      expectPossibleCalls(played);
    });
  });
}

/** Tools that exist with this provider in this mode, called as their schemas want it: else a rule could never be broken or kept. */
function expectPossibleCalls({ transcript, tools }: Played): void {
  for (const { tool, args } of transcript.calls) {
    const listed = tools.find(({ name }) => name === tool);
    expect(listed, `${tool} is not listed`).toBeDefined();
    const read = z.fromJSONSchema(listed?.inputSchema ?? {}).safeParse(args);
    expect(read.error, `${tool} ${JSON.stringify(args)}`).toBeUndefined();
  }
}
