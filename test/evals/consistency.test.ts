import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, serverCommand } from '../mcp/server-command.ts';
import { allCases } from './cases/all.ts';
import { type EvalCase, EvalCaseData, type Step } from './eval-case.ts';
import { judge } from './judge.ts';
import type { Arguments } from './matchers.ts';
import { takingAway } from './words.ts';
import { cloudFacts, seededState, variations } from './worlds/cloud-seed.ts';
import { daemonFacts, daemonServices } from './worlds/daemon-worlds.ts';
import { type ListedTool, Session } from './worlds/session.ts';

/** What can be known of the set without playing it. That no model takes part makes it no evidence about any. */

const calls = (steps: readonly Step[]) => steps.flatMap((step) => ('say' in step ? [] : [step]));
const rightCalls = (evalCase: EvalCase) => evalCase.right.flatMap(calls);
const argumentsOf = (evalCase: EvalCase): Arguments[] => [
  ...rightCalls(evalCase).flatMap(({ args, refused }) => (refused ? [] : [args])),
  ...evalCase.never.flatMap(({ args, such }) => [args, such.args]),
];
/** Every plain value that a case names for one of these arguments. */
function valuesOf(evalCase: EvalCase, names: readonly string[]): (string | number)[] {
  return argumentsOf(evalCase).flatMap((args) =>
    names.flatMap((name) => {
      const matcher = args[name];
      const values = typeof matcher === 'object' && 'oneOf' in matcher ? matcher.oneOf : [matcher];
      return values.flatMap((value) => (typeof value === 'string' || typeof value === 'number' ? [value] : []));
    }),
  );
}

describe('the set (no evidence about any model)', () => {
  it('has at least sixty requests of at least ten themes, each of its own id', () => {
    expect(allCases.length).toBeGreaterThanOrEqual(60);
    expect(new Set(allCases.map(({ id }) => id)).size).toBe(allCases.length);
    expect(new Set(allCases.map(({ id }) => id.split('/')[0])).size).toBeGreaterThanOrEqual(10);
  });

  it.each(allCases)(
    '$id is whole: its shape, one answer to each thing the person says, and something to be caught',
    (evalCase) => {
      expect(EvalCaseData.safeParse(evalCase).error).toBeUndefined();
      for (const way of evalCase.right) {
        expect(way.filter((step) => 'say' in step)).toHaveLength(evalCase.says.length);
        expect(way.at(-1)).toHaveProperty('say');
      }
      expect([...evalCase.never, ...evalCase.answer.filter((rule) => 'neverSays' in rule)]).not.toEqual([]);
    },
  );

  it.each(allCases)('$id is failed by whoever does and says nothing', (evalCase) => {
    const silent = { messages: [], calls: [], texts: [] };
    expect(judge(evalCase, silent, {}, () => true)).toMatchObject({ passed: false, mustNever: [] });
  });

  it.each(allCases)('$id is failed by whoever only evades', (evalCase) => {
    for (const text of ['I do not know.', 'Sorry, I cannot help with that.', 'No.', 'Done.']) {
      const texts = evalCase.says.map((_, index) => ({ turn: index + 1, text }));
      expect(judge(evalCase, { messages: [], calls: [], texts }, {}, () => true).passed, text).toBe(false);
    }
  });
});

describe('what cases name is there', () => {
  const facts = [...Object.keys(cloudFacts(0)), ...daemonFacts];

  it.each(allCases)('$id: facts, services, backups, schedules and restores', (evalCase) => {
    const named = JSON.stringify([evalCase.says, evalCase.right, evalCase.never]);
    for (const [, fact] of named.matchAll(/\{\{(.+?)\}\}|"(?:fact|moment)":"(.+?)"/g)) {
      if (fact !== undefined) expect(facts).toContain(fact);
    }
    const isCloud = evalCase.world.provider === 'cloud';
    const state = seededState(0);
    for (const name of evalCase.world.given) {
      expect(Object.keys(variations)).toContain(name);
      variations[name]?.(state);
    }
    const services = isCloud ? state.services.flatMap(({ id, name, fqdn }) => [id, name, fqdn]) : [...daemonServices];
    for (const service of valuesOf(evalCase, ['service', 'source'])) expect(services).toContain(service);
    if (!isCloud) return;
    const { unknown = [] } = evalCase;
    for (const [id] of named.matchAll(/\bdbpgf\d+\b/g)) expect(services).toContain(id);
    for (const [id] of named.matchAll(/\b[0-9a-f]{32}:[\w-]+:[\w-]+/g)) {
      expect([...state.backups.map((each) => each.id), ...unknown]).toContain(id);
    }
    const numbered = [...state.schedules, ...state.restores].map(({ id }) => id);
    for (const id of valuesOf(evalCase, ['id'])) if (typeof id === 'number') expect(numbered).toContain(id);
  });

  it('no variation of the world is left unused', () => {
    expect(new Set(allCases.flatMap(({ world }) => world.given))).toEqual(new Set(Object.keys(variations)));
  });
});

describe('the tools that the real server lists', () => {
  let home: Awaited<ReturnType<typeof newHome>>;
  const listed = new Map<string, readonly ListedTool[]>();
  beforeAll(async () => {
    home = await newHome();
    // Listing reaches neither a cloud nor a daemon, and starts none.
    const cloud = { SKYSQL_API_KEY: 'not-used-by-listing', SKYSQL_API_URL: 'http://127.0.0.1:9' };
    for (const [provider, env] of [
      ['cloud', cloud],
      ['daemon', {}],
    ] as const) {
      const session = await Session.start(serverCommand(home.home, env), true);
      listed.set(provider, session.tools);
      await session.close();
    }
  });
  afterAll(() => home.remove());

  const namesOf = (provider: string): string[] => (listed.get(provider) ?? []).map(({ name }) => name);

  it.each(['cloud', 'daemon'])('each tool of a %s is a right call of some case there or elsewhere', (provider) => {
    const right = new Set(allCases.flatMap(rightCalls).map(({ call }) => call));
    expect(namesOf(provider).length).toBeGreaterThan(10);
    expect(namesOf(provider).filter((name) => !right.has(name))).toEqual([]);
  });

  it('each destructive tool is what several cases forbid', () => {
    const destructive = [...new Set([...namesOf('cloud'), ...namesOf('daemon')])].filter((name) =>
      [...(listed.get('cloud') ?? []), ...(listed.get('daemon') ?? [])].some(
        (tool) => tool.name === name && tool.annotations.destructiveHint === true,
      ),
    );
    expect(destructive).toEqual(expect.arrayContaining(takingAway));
    for (const name of destructive) {
      const forbidding = allCases.filter(({ never }) => never.some(({ such }) => such.tool === name));
      expect(forbidding.length, name).toBeGreaterThanOrEqual(2);
    }
  });
});
