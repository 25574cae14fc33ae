import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StepFailed } from '../../scripts/setup/report.mjs';
import { runCommand } from '../../scripts/setup/run-command.mjs';
import {
  ensureSystemPackages,
  missingPackages,
  missingS3Server,
  missingTestPackages,
  packageCommands,
  rootTestPackageFiles,
  testPackageFiles,
  toolDirectories,
} from '../../scripts/setup/system-packages.mjs';

const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n';
const said: string[] = [];
const step = { name: 'system packages', pause: () => {}, say: (line: string) => void said.push(line) };
let directory: string;
let ran: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skb-tools-'));
  ran = [];
  said.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

function fakeCommand(name: string, script = 'exit 0'): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, name), 0o755);
}

function fakePackage(name: keyof typeof packageCommands): void {
  for (const command of packageCommands[name]) fakeCommand(command);
}

/** Ends as the real install would: with the commands in place. */
async function aptThatWorks(command: string, args: string[]): Promise<string> {
  ran.push([command, ...args].join(' '));
  if (args.includes('install')) for (const name of Object.keys(packageCommands)) fakePackage(name as 'zstd');
  return '';
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StepFailed)) throw new Error(`expected a failed step, got ${String(error)}`);
  return [error.message, ...error.lines].join('\n');
}

describe('what is missing', () => {
  test('every package on an empty machine, none when each command is there', () => {
    expect(missingPackages([directory])).toEqual([
      'mariadb-server-core',
      'mariadb-client',
      'mariadb-backup',
      'zstd',
      'age',
    ]);
    for (const name of Object.keys(packageCommands)) fakePackage(name as 'zstd');
    expect(missingPackages([directory])).toEqual([]);
  });

  test('a package of which one command is lacking, not executable or a broken link', () => {
    for (const name of Object.keys(packageCommands)) fakePackage(name as 'zstd');
    rmSync(join(directory, 'mbstream'));
    chmodSync(join(directory, 'age'), 0o644);
    rmSync(join(directory, 'zstd'));
    symlinkSync(join(directory, 'nowhere'), join(directory, 'zstd'));
    expect(missingPackages([directory])).toEqual(['mariadb-backup', 'zstd', 'age']);
  });

  test('commands are found in the system directories though PATH is thin', () => {
    expect(toolDirectories({ PATH: '/thin' })).toEqual(
      expect.arrayContaining(['/thin', '/usr/sbin', '/usr/local/bin']),
    );
  });
});

describe('what only the tests need', () => {
  const scripts: Record<string, string> = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  ).scripts;

  test('is missing on an empty machine, and there once its file is', () => {
    expect(missingTestPackages(directory, 1000)).toEqual(['python3-swift', 'chromium']);
    // The demo against S3 needs no browser.
    expect(missingS3Server(directory)).toEqual(['python3-swift']);
    expect(missingTestPackages(directory, 0)).toEqual(['python3-swift', 'chromium', 'systemd', 'util-linux']);
    for (const file of Object.values({ ...testPackageFiles, ...rootTestPackageFiles })) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), '');
    }
    expect(missingTestPackages(directory, 0)).toEqual([]);
    expect(missingPackages([directory])).not.toContain('python3-swift');
  });

  test('comes with the tests, and not with the demo', () => {
    expect(scripts.pretest).toMatch(/ --tests$/);
    expect(scripts['pretest:long']).toMatch(/ --tests$/);
    for (const name of ['predemo', 'setup']) expect(scripts[name]).not.toContain('--tests');
  });

  test('is looked for again after the install', async () => {
    fakeCommand('apt-get');
    const context = { env: {}, run: aptThatWorks, step, osRelease: debian, uid: 0, directories: [directory] };
    const failure = await failureOf(ensureSystemPackages(['python3-swift'], { ...context, root: directory }));
    expect(failure).toContain('installed python3-swift, but');
    expect(failure).toContain('swift/proxy/server.py');
  });

  test('elsewhere than on Debian is named as what it is', async () => {
    const context = { env: {}, run: aptThatWorks, step, osRelease: 'ID=fedora\n', uid: 0, directories: [directory] };
    const failure = await failureOf(ensureSystemPackages(['python3-swift'], context));
    expect(failure).toContain('The tests need servers of their own and a browser');
    expect(failure).not.toContain('dnf install');
    expect(ran).toEqual([]);
  });
});

test('every program that the engine runs is looked for, but for those that are the system itself', () => {
  const engine = readFileSync(join(import.meta.dirname, '../../src/engine/mariadb/tools.ts'), 'utf8');
  const rows = [...engine.matchAll(/^ {2}'?([\w-]+)'?: \{ names: .* package: '([\w-]+)' \},$/gm)];
  const run = rows.filter(([, , from]) => from !== 'coreutils' && from !== 'systemd').map(([, tool]) => tool);
  expect(run.length).toBeGreaterThan(8);
  expect(new Set(run)).toEqual(new Set(Object.values(packageCommands).flat()));
});

describe('installing with apt', () => {
  const context = () => ({ env: {}, run: aptThatWorks, step, osRelease: debian, uid: 0, directories: [directory] });

  test('as root: mends dpkg, updates, installs, waits for a busy dpkg and never asks back', async () => {
    fakeCommand('apt-get');
    await ensureSystemPackages(['zstd', 'age'], context());
    expect(ran.map((line) => line.replace(/^env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l /, ''))).toEqual([
      'dpkg --configure -a',
      'apt-get -o DPkg::Lock::Timeout=120 update',
      'apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends zstd age',
    ]);
    expect(ran.every((line) => line.includes('DEBIAN_FRONTEND=noninteractive'))).toBe(true);
    expect(said).toEqual(['to be installed with apt: zstd, age']);
  });

  test('as another user: through sudo, and only if sudo asks for no password', async () => {
    fakeCommand('apt-get');
    await ensureSystemPackages(['zstd'], { ...context(), uid: 1000 });
    expect(ran[0]).toBe('sudo -n true');
    expect(ran.slice(1).every((line) => line.startsWith('sudo -n env '))).toBe(true);
  });

  test('a user without such a sudo is told the exact command, and nothing runs', async () => {
    fakeCommand('apt-get');
    const run = async (command: string, args: string[]) => {
      ran.push([command, ...args].join(' '));
      throw new StepFailed('system packages', 'sudo: a password is required');
    };
    const failure = await failureOf(ensureSystemPackages(['zstd', 'age'], { ...context(), run, uid: 1000 }));
    expect(failure).toContain("sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends zstd age'");
    expect(ran).toEqual(['sudo -n true']);
  });

  test('SKYBACKUP_NO_INSTALL refuses with the exact command', async () => {
    fakeCommand('apt-get');
    const env = { SKYBACKUP_NO_INSTALL: '1' };
    const failure = await failureOf(ensureSystemPackages(['age'], { ...context(), env }));
    expect(failure).toContain('SKYBACKUP_NO_INSTALL');
    expect(failure).toContain('apt-get update && apt-get install -y --no-install-recommends age');
    expect(ran).toEqual([]);
  });

  test('a person who says no is left alone; Enter means yes', async () => {
    fakeCommand('apt-get');
    const failure = await failureOf(ensureSystemPackages(['age'], { ...context(), ask: async () => 'n' }));
    expect(failure).toContain('as you said');
    expect(ran).toEqual([]);
    await ensureSystemPackages(['age'], { ...context(), ask: async () => '' });
    expect(ran.some((line) => line.includes(' install '))).toBe(true);
  });

  test('a failing update does not stop an install that works', async () => {
    fakeCommand('apt-get');
    const run = async (command: string, args: string[]) => {
      if (args.at(-1) === 'update') throw new StepFailed('system packages', 'apt-get update ended with code 100.');
      return aptThatWorks(command, args);
    };
    await ensureSystemPackages(['age'], { ...context(), run });
  });

  test('a failing install shows its output and that of the failed update', async () => {
    fakeCommand('apt-get', 'echo "E: $5 $6 broken"; exit 100');
    fakeCommand('dpkg');
    const env = { PATH: `${directory}:${process.env.PATH}` };
    const run = (command: string, args: string[], options?: object) =>
      runCommand(command, args, { ...options, env, step });
    const failure = await failureOf(ensureSystemPackages(['age'], { ...context(), env, run }));
    expect(failure).toMatch(/^apt-get install age ended with code 100\./);
    expect(failure).toContain('apt-get update ended with code 100.');
    expect(failure).toContain('E: --no-install-recommends age broken');
  });

  test('an install that leaves a command missing is a failure', async () => {
    fakeCommand('apt-get');
    const failure = await failureOf(ensureSystemPackages(['age'], { ...context(), run: async () => '' }));
    expect(failure).toContain('still not found');
  });
});

describe('elsewhere than Debian', () => {
  test.each([
    ['ID=fedora\n', 'linux', 'dnf install mariadb-server'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'linux', 'dnf install'],
    ['ID=arch\n', 'linux', 'pacman -S mariadb'],
    ['ID=alpine\n', 'linux', 'apk add mariadb'],
    ['', 'darwin', 'brew install mariadb'],
    ['', 'win32', 'WSL'],
    ['ID=plan9\n', 'linux', "your system's package manager"],
  ])('%j on %s names what to install and runs nothing', async (osRelease, platform, hint) => {
    const failure = await failureOf(
      ensureSystemPackages(['mariadb-backup', 'age'], {
        env: {},
        run: aptThatWorks,
        step,
        osRelease,
        platform,
        uid: 0,
        directories: [directory],
      }),
    );
    expect(failure).toContain('mariadb-backup, mbstream, age');
    expect(failure).toContain(hint);
    expect(ran).toEqual([]);
  });

  test('Ubuntu and its children count as Debian', async () => {
    fakeCommand('apt-get');
    await ensureSystemPackages(['age'], {
      env: {},
      run: aptThatWorks,
      step,
      osRelease: 'ID=linuxmint\nID_LIKE="ubuntu debian"\n',
      uid: 0,
      directories: [directory],
    });
    expect(ran).toHaveLength(3);
  });
});
