import { randomUUID } from 'node:crypto';
import { reasonOf } from '../failure.ts';
import type { FenceKind, StoreFeatures } from '../object-store.ts';
import type { GcsConnection } from './connection.ts';
import { crc32c } from './crc32c.ts';

const bytes = Buffer.from('skybackup looks what this storage can do\n');
const crc = crc32c(bytes);

/** Tries out, on a key of its own, what backups rely on. The key is free again afterwards. */
export async function findFeatures(connection: GcsConnection, scratch: string): Promise<StoreFeatures> {
  const name = connection.nameOf(scratch);
  const asked = { action: 'written', key: scratch, tries: 3 } as const;
  const sessions: string[] = [];
  const begin = async (): Promise<string> => {
    const upload = { name, id: randomUUID() };
    const session = await connection.ask(asked, (calls, signal) => calls.startUpload(upload, signal));
    sessions.push(session);
    return session;
  };
  const finish = (session: string, checksum = crc) =>
    connection.ask(asked, (calls, signal) =>
      calls.sendPiece(session, { from: 0, bytes, total: bytes.length, crc: checksum }, signal),
    );
  const remove = () =>
    connection
      .ask({ action: 'deleted', key: scratch }, (calls, signal) => calls.remove({ name }, signal))
      .catch(() => {});

  try {
    // Sent with the checksum of other bytes.
    const damaged = await begin();
    const accepted = await finish(damaged, crc ^ 1).then(
      () => true,
      () => false,
    );
    if (accepted) await remove();
    const overtaken = await begin();
    await finish(await begin());
    return {
      putIfAbsent: {
        whole: await fence(async () => finish(await begin())),
        inParts: await fence(() => finish(overtaken)),
      },
      checksPayload: !accepted,
      clockOffsetMs: await connection.ask(asked, async (calls) => calls.clockOffsetMs()),
    };
  } finally {
    for (const session of sessions) {
      await connection
        .ask({ ...asked, action: 'deleted' }, (calls, signal) => calls.cancelUpload(session, signal))
        .catch(() => {});
    }
    await remove();
  }
}

/** What becomes of a second object that is sent with the wish to be refused. */
async function fence(send: () => Promise<unknown>): Promise<FenceKind> {
  try {
    await send();
    return 'ignored';
  } catch (error) {
    if (reasonOf(error) === 'conditionNotMet') return 'kept';
    throw error;
  }
}
