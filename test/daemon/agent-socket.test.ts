import { chmodSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, startDaemon, type TestDaemon } from '../servers/daemon.ts';

const base = '/skybackup/v1';
const program = join(import.meta.dirname, '../../src/cli/main.ts');
/** A user of no rights, its group, and a user outside that group. */
const agent = { uid: 65_534, gid: 65_534, group: 'nogroup' };
const stranger = { uid: 54_321, gid: 54_321 };

interface Ran {
  code: number | undefined;
  stdout: string;
  stderr: string;
}

// Only root can become other users.
describe.runIf(process.getuid?.() === 0)('a daemon that admits a group', () => {
  let daemon: TestDaemon;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'skb-agent-'));
    chmodSync(folder, 0o777);
    daemon = await startDaemon({ args: ['--agent-group', agent.group] });
  });
  afterAll(async () => {
    await daemon.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = async (
    user: { uid: number; gid: number },
    words: string[],
    env: Record<string, string> = {},
  ): Promise<Ran> => {
    const { uid, gid } = user;
    const { exitCode, stdout, stderr } = await execa(process.execPath, [program, ...words], {
      uid,
      gid,
      cwd: folder,
      extendEnv: false,
      env: { ...cleanEnvironment(), HOME: folder, SKYBACKUP_HOME: daemon.home.root, ...env },
      stdin: 'ignore',
      reject: false,
    });
    return { code: exitCode, stdout, stderr };
  };
  /** One request over the agents' socket. */
  const ask = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: unknown = {},
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> => {
    const sockets = new Agent({ connect: { socketPath: daemon.home.agentSocket } });
    const answer = await request(`http://daemon${path}`, {
      dispatcher: sockets,
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await answer.body.text();
    await sockets.destroy();
    return { status: answer.statusCode, text };
  };
  const mode = (path: string): number => statSync(path).mode & 0o777;

  it('lets the group through to its own socket, and to nothing else', async () => {
    const { home } = daemon;
    expect(mode(home.root)).toBe(0o710);
    expect(mode(home.socket)).toBe(0o600);
    expect(mode(home.agentSocket)).toBe(0o660);
    expect(statSync(home.root).gid).toBe(agent.gid);
    expect(statSync(home.agentSocket).gid).toBe(agent.gid);
    expect(readlinkSync(home.adminSocket)).toBe('daemon.sock');
    const asAgent = { uid: agent.uid, gid: agent.gid, cwd: '/', reject: false } as const;
    for (const file of ['state.db', 'daemon.log', 'daemon.lock']) {
      expect((await execa('cat', [join(home.root, file)], asAgent)).stderr, file).toContain('Permission denied');
    }
    for (const socket of [home.socket, home.adminSocket]) {
      expect((await execa('test', ['-w', socket], asAgent)).exitCode, socket).toBe(1);
    }
    expect((await execa('test', ['-w', home.agentSocket], asAgent)).exitCode).toBe(0);
    expect((await execa('ls', [home.root], asAgent)).stderr).toContain('Permission denied');
  });

  it("answers an agent's client, which finds the socket that is open to it", async () => {
    const listed = await run(agent, ['services', 'list', '--json']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(listed.stdout)).toEqual({ services: [] });
    const called = await run(agent, ['call', 'list_backups', '{}', '--json']);
    expect(called.code).toBe(0);
    const doctor = await run(agent, ['doctor', '--json']);
    expect(doctor.stdout).toContain('agent.sock');
    expect(doctor.stdout).not.toContain('belongs to user');
  });

  it('gives it the role requester: it plans, and cannot approve, manage keys or register services', async () => {
    for (const words of [
      ['keys', 'create', '--role', 'administrator'],
      ['keys', 'list'],
      ['services', 'add', 'sandbox', '--managed'],
    ]) {
      const refused = await run(agent, words);
      expect(refused.code, words.join(' ')).toBe(1);
      expect(refused.stderr, words.join(' ')).toContain('needs the role administrator');
    }
    // Even root is a requester there: what counts is the socket.
    const planned = await ask('POST', `${base}/plans`, { operation: 'delete_schedule', arguments: { id: 5 } });
    expect(planned).toMatchObject({ status: 404, text: expect.stringContaining('no schedule 5') });
    expect((await ask('POST', `${base}/plans/x/approve`, { channel: 'terminal' })).status).toBe(403);
    expect((await ask('POST', `${base}/drain`, {})).status).toBe(403);
    const { key } = await daemon.api.daemon.createKey({ role: 'administrator' });
    expect((await ask('POST', `${base}/keys`, { role: 'viewer' }, { 'x-api-key': key })).status).toBe(200);
  });

  it('has an agent ask, and its owner say yes', async () => {
    await daemon.api.daemon.registerService({ id: 'orders', control: { kind: 'managed' } });
    const schedule = (await daemon.api.listSchedules()).items[0]?.id;
    const path = `${base}/backups/schedules/${schedule}`;
    expect(await ask('DELETE', path)).toMatchObject({ status: 409, text: expect.stringContaining('plan_required') });
    const asked = await ask('POST', `${base}/plans`, { operation: 'delete_schedule', arguments: { id: schedule } });
    const { id, facts } = JSON.parse(asked.text);
    const yes = { channel: 'terminal', typed_id: facts.confirm_id };
    expect((await ask('POST', `${base}/plans/${id}/approve`, yes)).status).toBe(403);
    expect((await ask('DELETE', `${path}?plan_id=${id}`)).text).toContain('plan_not_approved');
    expect((await daemon.request('POST', `${base}/plans/${id}/approve`, yes)).status).toBe(200);
    expect((await ask('DELETE', `${path}?plan_id=${id}`)).status).toBe(200);
    expect((await daemon.api.listSchedules()).count).toBe(0);
  });

  it('serves it MCP as a requester, whose plans are its own and wait for the owner', async () => {
    const { id } = await daemon.api.createSchedule({
      backup_type: 'full',
      schedule: '0 3 * * *',
      service_id: 'orders',
    });
    const call = async (): Promise<string> => {
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'agent', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
      };
      const params = { name: 'delete_schedule', arguments: { id }, _meta };
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
      const headers = {
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'delete_schedule',
      };
      return (await ask('POST', '/mcp', message, headers)).text;
    };
    expect(await call()).toContain('needs_approval');
    const plan = (await daemon.api.daemon.listPlans()).find(({ status }) => status === 'pending');
    expect(plan?.requested_by).toContain('agent-socket');
    await daemon.api.daemon.approvePlan(plan?.id ?? '', { channel: 'terminal', typed_id: String(id) });
    expect(await call()).toContain('"deleted":true');
  });

  it('turns strangers away', async () => {
    const { code, stderr } = await run(stranger, ['services', 'list']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/belongs to another user/);
    expect(stderr).toMatch(/group it admits/);
  });

  it('admits nobody any more once it has ended, and an agent starts no daemon in its place', async () => {
    const { home } = daemon;
    expect(await daemon.stop()).toBe(0);
    for (const socket of [home.socket, home.agentSocket, home.adminSocket]) {
      expect(() => statSync(socket)).toThrow(/ENOENT/);
    }
    const { code, stderr } = await run(agent, ['services', 'list']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/Have its owner start the daemon/);
    daemon = await daemon.restart({ args: ['--agent-group', agent.group] });
    await daemon.kill9();
    // Its sockets are left, and nobody listens.
    expect((await run(agent, ['services', 'list'])).stderr).toMatch(/Have its owner start the daemon/);
    daemon = await daemon.restart({ args: ['--agent-group', agent.group] });
    expect((await run(agent, ['services', 'list'])).code).toBe(0);
  });

  it('takes away what others could read in a home that was open', async () => {
    await daemon.stop();
    writeFileSync(join(daemon.home.root, 'notes.txt'), 'mine', { mode: 0o644 });
    daemon = await daemon.restart({ args: ['--agent-group', agent.group] });
    expect(mode(join(daemon.home.root, 'notes.txt'))).toBe(0o600);
  });

  it('names a group that does not exist', async () => {
    await expect(startDaemon({ args: ['--agent-group', 'no-such-group'] })).rejects.toThrow(/no group/);
  });
});
