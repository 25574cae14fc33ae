import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { StepFailed } from './report.mjs';

/** Debian package → the commands that it brings and skybackup runs. */
export const packageCommands = {
  'mariadb-server-core': ['mariadbd', 'mariadb-install-db'],
  'mariadb-client': [
    'mariadb',
    'mariadb-dump',
    'mariadb-binlog',
    'mariadb-admin',
    'mariadb-tzinfo-to-sql',
    'my_print_defaults',
  ],
  'mariadb-backup': ['mariadb-backup', 'mbstream'],
  zstd: ['zstd'],
  age: ['age', 'age-keygen'],
};

/** Debian package → a file of it. Of what only the tests need: a real S3 server, with some 90 packages that it needs itself. */
export const s3ServerFiles = { 'python3-swift': '/usr/lib/python3/dist-packages/swift/proxy/server.py' };
/** All that the tests need: also a browser, for the pages of MCP Apps. */
export const testPackageFiles = { ...s3ServerFiles, chromium: '/usr/bin/chromium' };
/** The same of what only the tests of root need, who sees restores through a systemd of the tests' own. */
export const rootTestPackageFiles = { systemd: '/bin/systemctl', 'util-linux': '/usr/bin/nsenter' };

const elsewhere = {
  fedora: 'dnf install mariadb-server mariadb-backup zstd age',
  arch: 'pacman -S mariadb mariadb-clients zstd age',
  alpine: 'apk add mariadb mariadb-client mariadb-backup zstd age',
  suse: 'zypper install mariadb mariadb-client mariadb-tools zstd age',
  darwin: 'brew install mariadb zstd age',
};

/**
 * Where commands are looked for: PATH, and the directories of servers' commands that a thin PATH lacks.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function toolDirectories(env) {
  const standard = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/opt/homebrew/bin'];
  return [...new Set([...(env.PATH ?? '').split(delimiter).filter(Boolean), ...standard])];
}

/**
 * The Debian packages of which at least one command is not there.
 *
 * @param {string[]} directories
 * @returns {string[]}
 */
export function missingPackages(directories) {
  return Object.entries(packageCommands)
    .filter(([, commands]) => commands.some((command) => !directories.some((d) => isExecutable(join(d, command)))))
    .map(([name]) => name);
}

/**
 * The Debian packages that only the tests need and of which the file is not there.
 *
 * @param {string} [root] of the file system
 * @param {number} [uid]
 * @returns {string[]}
 */
export function missingTestPackages(root = '/', uid = process.getuid?.()) {
  return [...missingOf(testPackageFiles, root), ...(uid === 0 ? missingOf(rootTestPackageFiles, root) : [])];
}

/**
 * The S3 server of the tests, against which the demo can run too, where it is missing.
 *
 * @param {string} [root] of the file system
 */
export function missingS3Server(root = '/') {
  return missingOf(s3ServerFiles, root);
}

/** @param {Record<string, string>} files @param {string} root */
function missingOf(files, root) {
  return Object.entries(files)
    .filter(([, file]) => !existsSync(join(root, file)))
    .map(([name]) => name);
}

/**
 * Installs the packages, or fails with the exact command or list for the person. Never waits for a password.
 *
 * @param {string[]} packages
 * @param {object} context
 * @param {NodeJS.ProcessEnv} context.env
 * @param {(command: string, args: string[], options?: { env?: NodeJS.ProcessEnv, shown?: string }) => Promise<string>} context.run
 * @param {import('./report.mjs').Step} context.step
 * @param {string} [context.osRelease] contents of /etc/os-release
 * @param {string} [context.platform]
 * @param {number} [context.uid]
 * @param {(question: string) => Promise<string>} [context.ask] asks the person; absent where nobody can answer
 * @param {string[]} [context.directories]
 * @param {string} [context.root] of the file system
 */
export async function ensureSystemPackages(packages, context) {
  const { env, run, step } = context;
  const directories = context.directories ?? toolDirectories(env);
  const platform = context.platform ?? process.platform;
  const osRelease = context.osRelease ?? (platform === 'linux' ? readOsRelease() : '');
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const commands = packages.flatMap((name) => partsOf(name));

  if (!isDebian(osRelease) || !directories.some((d) => isExecutable(join(d, 'apt-get')))) {
    const onlyForTests = packages.every((name) => name in testPackageFiles || name in rootTestPackageFiles);
    const known = hintFor(platform, osRelease);
    throw new StepFailed(
      step.name,
      onlyForTests
        ? 'The tests need servers of their own and a browser (the demo against S3 such a server too), and they are installed by themselves only on Debian and Ubuntu.'
        : 'skybackup needs commands that this machine lacks, and it installs them by itself only on Debian and Ubuntu.',
      [
        `Missing: ${commands.join(', ')} (Debian's packages: ${packages.join(', ')}).`,
        onlyForTests
          ? 'Run this on one of these, for example in a container.'
          : known
            ? `Install them, for example: ${known}`
            : "Install MariaDB's server, client and mariadb-backup, zstd and age with your system's package manager.",
        ...(platform === 'win32' ? ['On Windows run this inside WSL.'] : []),
      ],
    );
  }

  const uid = context.uid ?? process.getuid?.() ?? -1;
  const byHand = uid === 0 ? command : `sudo sh -c '${command}'`;
  const refusal = ['Install them, then run this again:', `  ${byHand}`];
  if (isOn(env.SKYBACKUP_NO_INSTALL)) {
    throw new StepFailed(
      step.name,
      `${packages.join(', ')}: not installed, and SKYBACKUP_NO_INSTALL forbids installing.`,
      refusal,
    );
  }
  const sudo = uid === 0 ? [] : ['sudo', '-n'];
  if (uid !== 0) {
    try {
      await run('sudo', ['-n', 'true']);
    } catch {
      throw new StepFailed(
        step.name,
        `${packages.join(', ')}: not installed, and this user may not install without a password.`,
        refusal,
      );
    }
  }
  step.say(`to be installed with apt: ${packages.join(', ')}`);
  const ask = context.ask ?? terminalQuestion(env);
  if (ask) {
    step.pause();
    const answer = (await ask('  Install them now? [Y/n] ')).trim().toLowerCase();
    if (answer !== '' && answer !== 'y' && answer !== 'yes') {
      throw new StepFailed(step.name, 'not installed, as you said.', refusal);
    }
  }

  const apt = ['apt-get', '-o', 'DPkg::Lock::Timeout=120'];
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_MODE=l'];
  /** @param {string[]} words @param {string} shown */
  const asRoot = (words, shown) => {
    const [first = '', ...rest] = [...sudo, ...quiet, ...words];
    return run(first, rest, { shown });
  };
  // An install that was cut off before leaves dpkg refusing everything until this ran; it does nothing otherwise.
  await asRoot(['dpkg', '--configure', '-a'], 'dpkg --configure -a');
  /** @type {unknown} */
  let updateFailure;
  // One broken third-party source fails the update, though the packages needed here may be found all the same.
  await asRoot([...apt, 'update'], 'apt-get update').catch((error) => {
    updateFailure = error;
  });
  try {
    await asRoot(
      [...apt, 'install', '-y', '--no-install-recommends', ...packages],
      `apt-get install ${packages.join(' ')}`,
    );
  } catch (error) {
    if (updateFailure instanceof StepFailed && error instanceof StepFailed) {
      error.lines = [...updateFailure.lines, `(before that, ${updateFailure.message})`, ...error.lines];
    }
    throw error;
  }
  const still = [...missingPackages(directories), ...missingTestPackages(context.root, uid)].filter((name) =>
    packages.includes(name),
  );
  if (still.length > 0) {
    throw new StepFailed(step.name, `apt-get installed ${still.join(', ')}, but its commands are still not found.`, [
      `Looked for: ${commands.join(', ')}`,
      `in: ${directories.join(', ')}`,
    ]);
  }
}

/**
 * By what a package is known to be there.
 *
 * @param {string} name
 * @returns {string[]}
 */
function partsOf(name) {
  /** @type {Record<string, string[]>} */
  const commands = packageCommands;
  /** @type {Record<string, string>} */
  const files = { ...testPackageFiles, ...rootTestPackageFiles };
  return commands[name] ?? [files[name] ?? name];
}

/**
 * Whether a switch is set; a value that cannot be read counts as set, since setting it only restricts.
 *
 * @param {string | undefined} value
 */
function isOn(value) {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.trim().toLowerCase());
}

/** @param {string} osRelease */
function isDebian(osRelease) {
  return releaseIds(osRelease).some((id) => id === 'debian' || id === 'ubuntu');
}

/** @param {string} platform @param {string} osRelease */
function hintFor(platform, osRelease) {
  const ids = [...releaseIds(osRelease), platform].map((id) => (id === 'rhel' || id === 'centos' ? 'fedora' : id));
  const known = ids.find((id) => id in elsewhere);
  return known && elsewhere[/** @type {keyof typeof elsewhere} */ (known)];
}

/** @param {string} osRelease */
function releaseIds(osRelease) {
  return [...osRelease.matchAll(/^(?:ID|ID_LIKE)=(.*)$/gm)].flatMap(([, value = '']) =>
    value.replaceAll(/["']/g, '').split(/\s+/),
  );
}

function readOsRelease() {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** @param {NodeJS.ProcessEnv} env @returns {((question: string) => Promise<string>) | undefined} */
function terminalQuestion(env) {
  if (!process.stdin.isTTY || !process.stdout.isTTY || env.CI) return undefined;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    // Ctrl-D or Ctrl-C at the question is a no.
    const closed = new Promise((resolve) => lines.once('close', () => resolve('n')));
    try {
      return /** @type {string} */ (await Promise.race([lines.question(question), closed]));
    } finally {
      lines.close();
    }
  };
}
