import { openBackupApi } from '../../client/open.ts';
import { readSettings, type Settings } from '../../client/settings.ts';
import { version } from '../../client/version.ts';
import { readRegisteredServices } from '../registered-services.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { type Finding, failed, finding, ok, warning } from './finding.ts';

const marks = { ok: '✓', warning: '!', failed: '✗' } as const;

/** Looks at everything a backup needs and names what is missing with its mend. Changes and starts nothing. */
export async function doctor(terminal: Terminal): Promise<number> {
  const findings = await examine(terminal);
  const bad = findings.filter(({ status }) => status === 'failed').length;
  const words = findings.flatMap(({ check, status, message, mend }) => [
    `${marks[status]} ${check}: ${message.split('\n')[0]}`,
    ...message
      .split('\n')
      .slice(1)
      .map((line) => `    ${line}`),
    ...(mend === undefined ? [] : [`  → ${mend}`]),
  ]);
  const verdict =
    bad === 0
      ? 'Nothing stands in the way of backups.'
      : `${bad} ${bad === 1 ? 'thing needs' : 'things need'} mending.`;
  terminal.result({ ok: bad === 0, findings }, [...words, '', verdict]);
  return bad === 0 ? exitCodes.done : exitCodes.failed;
}

async function examine(terminal: Terminal): Promise<Finding[]> {
  const program = ok('program', `skybackup ${version} on Node ${process.versions.node}`);
  let settings: Settings;
  try {
    settings = readSettings(terminal.env);
  } catch (error) {
    return [program, failed('settings', error)];
  }
  const remarks = settings.warnings.map((each) => warning('settings', each, 'Correct or unset it.'));
  const start = [program, ...remarks];
  const { storageChecks } = await import('./storage-checks.ts');
  if (settings.provider.kind !== 'local') {
    const provider = await finding('provider', () => reach(settings));
    return [...start, provider, ...(provider.status === 'failed' ? [] : await storageChecks(settings))];
  }
  const { toolChecks } = await import('./tool-checks.ts');
  const { homeChecks } = await import('./home-checks.ts');
  return [
    ...start,
    ...(await toolChecks()),
    ...(await homeChecks(settings.home, version)),
    ...(await storageChecks(settings)),
    ...(await encryption(settings)),
    ...(await services(settings)),
  ];
}

/** A cloud or a daemon elsewhere: all that can be seen from here is whether it answers to the key. */
async function reach(settings: Settings): Promise<string> {
  const api = openBackupApi(settings);
  try {
    const list = await api.listServices();
    return `${api.provider.url} accepts the key and shows ${list.length} service${list.length === 1 ? '' : 's'}`;
  } finally {
    await api.close();
  }
}

async function encryption({ home }: Settings): Promise<Finding[]> {
  try {
    const { encryptionChecks } = await import('./encryption-checks.ts');
    return await encryptionChecks(home);
  } catch (error) {
    return [failed('encryption', error)];
  }
}

async function services({ home }: Settings): Promise<Finding[]> {
  try {
    const registered = await readRegisteredServices(home);
    if (registered.length === 0) return [ok('services', 'none yet; add one: skybackup services add <id> --managed')];
    const { serviceChecks } = await import('./service-checks.ts');
    return (await Promise.all(registered.map((service) => serviceChecks(home, service)))).flat();
  } catch (error) {
    return [failed('services', error)];
  }
}
