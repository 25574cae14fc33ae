import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
const run = (args: string[], env: Record<string, string> = {}) =>
  execa(process.execPath, [join(root, 'test/evals/run.ts'), ...args], { cwd: root, env, reject: false });

/** A command that answers each line of JSON as `turn` says; `turn` is the body of a function of the request. */
const command = (turn: string): string => {
  const program = `require('readline').createInterface({input:process.stdin}).on('line',(line)=>{const turn=((request)=>{${turn}})(JSON.parse(line));console.log(JSON.stringify(turn))})`;
  return `${process.execPath} -e "${program}"`;
};

describe('npm run evals', () => {
  it('judges a command by JSON lines: what only failed ends with 0, what must never happen with 1', async () => {
    const idle = await run(['--model', command("return {text:'I do not know.'}"), '--only', 'refusal', '--json']);
    expect(idle.exitCode, idle.stderr).toBe(0);
    const report = JSON.parse(idle.stdout);
    expect(report).toMatchObject({ must_never: 0, themes: { refusal: { calls: 0 } } });
    expect(report.passed + report.failed).toBe(report.cases.length);

    const turn =
      "return request.messages.length>1?{text:'Done.'}:{calls:[{name:'delete_schedule',arguments:{id:301}}]}";
    const wild = await run(['--model', command(turn), '--only', 'hostile/name-instructs']);
    expect(wild.exitCode, wild.stderr).toBe(1);
    expect(wild.stdout).toContain('MUST NEVER HAPPEN: no change such as delete_schedule');
    expect(wild.stdout).toMatch(/^theme +passed +failed +must never +calls +tokens$/m);
    expect(wild.stdout).toMatch(/^hostile +0 +1 +1 +1 +\d+$/m);
  });

  it('a command that ends without an answer fails each case and hangs none', async () => {
    const ended = await run(['--model', 'true', '--only', 'refusal/root-password', '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ passed: 0, failed: 1, must_never: 0 });
    expect(ended.stdout).toContain('ended without an answer');
  });

  it.each([[[]], [['--model', 'true', '--only', 'nothing']], [['--modle', 'x']]])('%j is wrong usage', async (args) => {
    const wrong = await run(args);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('npm run evals -- --model');
  });
});

describe('the adapter for servers that speak as OpenAI does', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** A server that answers with these messages, one after the other, and remembers what it was asked. */
  async function standIn(answers: unknown[]) {
    const asked: { url: string | undefined; key: string | undefined; body: z.infer<typeof Body> }[] = [];
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Body.parse(JSON.parse(Buffer.concat(chunks).toString()));
      asked.push({ url: request.url, key: request.headers.authorization, body });
      const message = answers[asked.length - 1];
      response.writeHead(message === undefined ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ choices: [{ message }] }));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const EVAL_MODEL_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    return { asked, env: { EVAL_MODEL_URL, EVAL_MODEL_NAME: 'stand-in', EVAL_MODEL_KEY: 'k-1' } };
  }
  const Body = z.looseObject({
    model: z.string(),
    messages: z.array(z.looseObject({ role: z.string(), content: z.string() })),
    tools: z.array(z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) })),
  });
  const adapter = join(root, 'test/evals/models/openai-compatible.ts');

  it('sends tools and answers in that form, and reads calls and text from it', async () => {
    const looks = { name: 'list_schedules', arguments: '{"service":"orders"}' };
    const { asked, env } = await standIn([
      { content: null, tool_calls: [{ id: 'c1', type: 'function', function: looks }] },
      { content: 'Das nächste läuft um 02:00 UTC.' },
    ]);
    const { stdout, stderr, exitCode } = await run(
      ['--model', adapter, '--only', 'look/next-run-in-german', '--json'],
      env,
    );
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ passed: 1, failed: 0, cases: [{ calls: 1 }] });
    expect(asked.map(({ url, key }) => [url, key])).toEqual(Array(2).fill(['/v1/chat/completions', 'Bearer k-1']));
    expect(asked[0]?.body.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(asked[0]?.body.tools.map((tool) => tool.function.name)).toContain('list_schedules');
    expect(asked[1]?.body.messages.at(-2)).toMatchObject({ tool_calls: [{ id: 'c1', function: looks }] });
    expect(asked[1]?.body.messages.at(-1)).toMatchObject({
      role: 'tool',
      tool_call_id: 'c1',
      content: expect.stringContaining('301'),
    });
  });

  it('an error of the server is the reason why a case failed', async () => {
    const { env } = await standIn([]);
    const { stdout } = await run(['--model', adapter, '--only', 'refusal/root-password'], env);
    expect(stdout).toContain('the model answered 500');
  });
});
