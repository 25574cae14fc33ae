// `npm run demo`: the built program's demo. With `--s3` and no bucket it runs against the S3 server that the tests use, which is
// installed where it is missing, started for the story and removed after it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setUp } from './setup/set-up.mjs';

const root = dirname(import.meta.dirname);
const args = process.argv.slice(2);
const at = args.indexOf('--s3');
const interruption = new AbortController();
const wantsServer = at >= 0 && (args[at + 1] === undefined || args[at + 1]?.startsWith('--'));
process.exitCode = await (wantsServer ? withServer() : demo(args));

/** What should be removed is removed first. At a terminal Ctrl-C goes to the demo too, which does the same. */
function endInTime(child?: ChildProcess): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      interruption.abort();
      if (name !== 'SIGINT') child?.kill(name);
    });
  }
}

async function demo(all: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'dist', 'skybackup.js'), 'demo', ...all], { stdio: 'inherit' });
  endInTime(child);
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

async function withServer(): Promise<number> {
  const ready = await setUp(root, process.env, { s3: true });
  if (ready !== 0) return ready;
  const { startS3 } = await import('../test/servers/swift-s3.ts');
  endInTime();
  const folder = mkdtempSync(join(tmpdir(), 'skb-demo-s3-'));
  const s3 = await startS3();
  try {
    if (interruption.signal.aborted) return 1;
    const { access_key_id, secret_access_key, region, endpoint_url } = s3.credentials;
    const file = join(folder, 'credentials');
    const lines = [
      '[default]',
      `aws_access_key_id = ${access_key_id}`,
      `aws_secret_access_key = ${secret_access_key}`,
      `region = ${region}`,
      `endpoint_url = ${endpoint_url}`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    console.log(`   A real S3 server (OpenStack Swift) answers at ${endpoint_url}.`);
    const code = await demo([...args.with(at, `--s3=s3://${s3.bucket}`), '--s3-credentials-file', file]);
    if (code === 0 && args.includes('--keep')) {
      console.log('   The S3 server goes on too, until you press Ctrl-C here.');
      await once(interruption.signal, 'abort');
    }
    return code;
  } finally {
    await s3.stop();
    rmSync(folder, { recursive: true });
  }
}
