import { type Retention, RetentionPolicy } from '../contract/retention.ts';
import { sizeInWords } from '../mcp/sizes-and-times.ts';
import { table } from './table.ts';
import { exitCodes, type Terminal, UsageError } from './terminal.ts';
import { daemonOf, withApi } from './with-api.ts';

export interface RetentionOptions {
  keepLast?: string;
  daily?: string;
  weekly?: string;
  monthly?: string;
  yearly?: string;
  maxAge?: string;
  maxSize?: string;
  recoveryWindow?: string;
  keepEverything?: boolean;
  dryRun?: boolean;
}

/** Shows the retention of a service, tries another, or sets it. What the options say is the whole new rule. */
export function retention(terminal: Terminal, service: string, options: RetentionOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'Retention');
    const policy = policyOf(options);
    const dryRun = options.dryRun === true;
    let shown: Retention;
    if (policy === undefined) shown = await daemon.getRetention(service, { dryRun });
    else if (dryRun) shown = await daemon.setRetention(service, policy, { dryRun });
    else {
      await daemon.setRetention(service, policy);
      shown = await daemon.getRetention(service, { dryRun: true });
    }
    terminal.result(shown, inWords(shown, policy !== undefined && dryRun));
    return exitCodes.done;
  });
}

/** The rule that the options mean; undefined when they mean none. */
export function policyOf(options: RetentionOptions): RetentionPolicy | undefined {
  const { keepLast, daily, weekly, monthly, yearly, keepEverything } = options;
  const counts = { keep_last: keepLast, daily, weekly, monthly, yearly };
  const given = {
    ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count && countOf(name, count)])),
    max_age: options.maxAge,
    max_size: options.maxSize,
    recovery_window: options.recoveryWindow,
  };
  const rule = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (Object.keys(rule).length === 0) return keepEverything ? {} : undefined;
  if (keepEverything) throw new UsageError('--keep-everything means that there is no rule.');
  const policy = RetentionPolicy.safeParse(rule);
  if (policy.success) return policy.data;
  const [issue] = policy.error.issues;
  throw new UsageError(`${flag(issue?.path.join('.') ?? '')} ${issue?.message ?? 'is not valid'}.`);
}

function countOf(name: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError(`${flag(name)} ${text} is not a count.`);
  return Number(text);
}

function flag(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}

function inWords(
  { service_id, in_words, is_default, pass, shortens = [], last_pass }: Retention,
  tried: boolean,
): string[] {
  const lines = [
    tried
      ? `Nothing was changed. ${service_id} would be: ${in_words}`
      : `${service_id}${is_default ? ' (the default)' : ''}: ${in_words}`,
    ...shortens.map((less) => `Less is kept: ${less}`),
    ...(last_pass === undefined ? [] : [`Last pass, ${last_pass.at}: ${last_pass.message}`]),
  ];
  if (pass === undefined) return lines;
  const { expires, expires_count, expires_bytes, keeps_count, keeps_bytes, warnings } = pass;
  const rows = expires.map((each) => [each.backup_id, each.type, each.taken_at, sizeInWords(each.bytes), each.reason]);
  return [
    ...lines,
    expires_count === 0
      ? 'As of now the next pass deletes nothing.'
      : `As of now the next pass deletes ${expires_count} (${sizeInWords(expires_bytes)}):`,
    ...(rows.length === 0 ? [] : table(['BACKUP', 'TYPE', 'DATA OF', 'SIZE', 'WHY'], rows)),
    `${keeps_count} ${keeps_count === 1 ? 'stays' : 'stay'} (${sizeInWords(keeps_bytes)}).`,
    ...warnings.map((warning) => `Warning: ${warning}`),
  ];
}
