import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { SkybackupError } from '../../contract/errors.ts';

/** Below the ports that the kernel hands out by itself (32768 on Linux), so that it stays free while the server is down. */
const range = { first: 20_000, last: 32_000 };

/** A TCP port of 127.0.0.1 that nobody listens on and that is not in `taken`. */
export async function choosePort(taken: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(range.first, range.last);
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new SkybackupError(
    'conflict',
    `No free TCP port was found on 127.0.0.1 between ${range.first} and ${range.last}.`,
    {
      hint: 'End some of the programs that listen there, then call again.',
    },
  );
}

/** Whether a server could listen on the port of 127.0.0.1 now. */
export async function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
