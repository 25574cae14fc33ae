import { execa } from 'execa';
import { openPlanStore } from '../../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../../doubles/cloud.ts';
import { cloudEnvironment, command, newHome, type ServerCommand, serverCommand } from '../../mcp/server-command.ts';
import type { EvalCase } from '../eval-case.ts';
import { cloudFacts, seededState, variations } from './cloud-seed.ts';
import { Session } from './session.ts';
import type { Stage, Worlds } from './stage.ts';

interface Place {
  cloud: CloudDouble;
  server: ServerCommand;
  home: string;
  session: Session;
  close(): Promise<void>;
}

/**
 * The doubled cloud, seeded anew for each case. Cases with equal settings share one server process, one after the other, as a
 * host's conversations do; one that never got an answer is not used again.
 */
export function cloudWorlds(): Worlds {
  const places = new Map<string, Place>();

  async function placeFor({ world }: EvalCase, hasForms: boolean): Promise<{ key: string; place: Place }> {
    const role = world.given.includes('the key is a viewer') ? 'viewer' : 'administrator';
    const key = JSON.stringify([role, hasForms, Object.entries(world.settings)]);
    const known = places.get(key);
    if (known !== undefined) return { key, place: known };
    const place = await open(role, hasForms, world.settings);
    places.set(key, place);
    return { key, place };
  }

  return {
    async enter(evalCase, person = evalCase.world.person): Promise<Stage> {
      const { key, place } = await placeFor(evalCase, person !== 'has no form');
      const { cloud, session, home, server } = place;
      const now = Date.now();
      Object.assign(cloud.state, seededState(now));
      for (const name of evalCase.world.given) {
        const vary = variations[name];
        if (vary === undefined) throw new Error(`${evalCase.id}: no cloud world has "${name}"`);
        vary(cloud.state);
      }
      return {
        facts: cloudFacts(now),
        tools: session.tools,
        instructions: session.instructions,
        call: (name, args) => session.call(name, args, person),
        approve: (code, id) => approve(server, code, id),
        async leave() {
          declineOpenPlans(home);
          if (person !== 'never answers') return;
          places.delete(key);
          await place.close();
        },
      };
    },
    async close() {
      await Promise.all([...places.values()].map((place) => place.close()));
    },
  };
}

async function open(
  role: 'viewer' | 'administrator',
  hasForms: boolean,
  settings: Readonly<Record<string, string>>,
): Promise<Place> {
  const cloud = await startCloudDouble({ role });
  const { home, remove } = await newHome();
  const server = serverCommand(home, { ...cloudEnvironment(cloud), ...settings });
  const session = await Session.start(server, hasForms);
  const close = async (): Promise<void> => {
    await session.close();
    await cloud.close();
    await remove();
  };
  return { cloud, server, home, session, close };
}

export async function approve({ env }: ServerCommand, code: string, id: string): Promise<void> {
  await execa(process.execPath, [command, 'approve', code, '--confirm', id], { env, extendEnv: false });
}

/** The next case's person has not seen them. */
function declineOpenPlans(home: string): void {
  const store = openPlanStore(`${home}/plans.db`);
  try {
    for (const { id, status } of store.list()) {
      if (status === 'pending' || status === 'approved') store.decline(id, 'cancelled');
    }
  } finally {
    store.close();
  }
}
