import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/daemon/app.ts';
import { LateMcp } from '../../src/daemon/late-mcp.ts';
import { daemonMetrics } from '../../src/daemon/metrics.ts';
import type { Api } from '../../src/daemon/route-schemas.ts';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import { type TestHome, temporaryHome } from '../servers/managed.ts';

let testHome: TestHome;
let engine: Engine;
let app: Api;
let port: number;
beforeAll(async () => {
  testHome = temporaryHome();
  engine = await startEngine({ home: testHome.home, startedBy: 'person' });
  const { home } = testHome;
  const guard = { confirm: 'ask', appConfirm: false, readOnly: false, services: undefined } as const;
  app = createApp({
    engine,
    mcp: new LateMcp({ home, version: '0', guard }),
    ownSocket: home.socket,
    version: '0',
    startedBy: 'person',
    transport: { kind: 'tcp', host: '127.0.0.1' },
    log: pino({ enabled: false }),
    metrics: daemonMetrics(engine, '0'),
    requestsPerMinute: 1000,
    patienceMs: 400,
    stop: () => undefined,
    onUse: () => undefined,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  app.server.closeAllConnections();
  await app.close();
  await engine.stop();
  await testHome.dispose();
});

/** Sends a beginning, then a byte now and then, until the daemon hangs up; resolves with what it said. */
async function dribble(beginning: string): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  let said = '';
  socket.on('data', (data) => {
    said += data.toString();
  });
  socket.on('error', () => undefined);
  socket.write(beginning);
  const drip = setInterval(() => socket.write('x'), 50);
  // Being hung up on while writing is an error of the socket, and what is waited for here.
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
  return said;
}

it('are hung up on, whether head or body dribbles in, and keep nobody else waiting', async () => {
  const { key } = engine.keys.create('administrator', undefined, 'socket');
  const head = `POST /skybackup/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: `;
  const body = `POST /skybackup/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: ${key}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{`;
  const slow = [...Array.from({ length: 60 }, () => dribble(head)), ...Array.from({ length: 60 }, () => dribble(body))];
  for (let request = 0; request < 5; request += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/skybackup/v1/backups`, { headers: { 'x-api-key': key } });
    expect(answer.status).toBe(200);
    await answer.text();
  }
  for (const said of await Promise.all(slow)) expect(said === '' || said.startsWith('HTTP/1.1 4')).toBe(true);
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
});

it('that have no key are turned away before their body comes', async () => {
  const said = await dribble(
    'POST /skybackup/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900000000\r\n\r\n{',
  );
  expect(said).toMatch(/^HTTP\/1.1 401 /);
});
