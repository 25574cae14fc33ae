import { z } from 'zod';
import type { ToolAnswer } from '../answer.ts';
import { chainsOf } from '../apps/chains.ts';
import { type Coverage, coverageOf, nextRunsOf } from '../apps/coverage.ts';
import { timelineBackup } from '../apps/timeline-backups.ts';
import type { Call } from '../context.ts';
import { defineTool } from '../define-tool.ts';
import { windowsInWords } from '../find/recovery-windows.ts';
import { findService, serviceLabel } from '../find/service.ts';
import { listPage, onePage, type Row } from '../lists/list-page.ts';
import { counted, sizeInWords, timeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';

const mostChains = 3;
const mostFailures = 3;
const mostWindows = 3;

export const showBackups = defineTool({
  name: 'show_backups',
  operation: 'read',
  page: 'timeline',
  title: 'Show backups as a timeline',
  description: 'Overview to show people: newest backups, chains, recovery windows, failures, next runs.',
  input: z.strictObject({ service: z.string().max(300).optional() }),
  output: { service_id: 'string', services: 'array', newest: 'array', chains: 'array' },
  async run({ service }, call) {
    if (service === undefined) return ofAll(call);
    return ofOne((await findService(call.api, service, call.signal)).id, call);
  },
});

async function ofOne(serviceId: string, { api, signal }: Call): Promise<ToolAnswer> {
  const [coverage, page] = await Promise.all([
    coverageOf(api, serviceId, signal),
    api.listBackups({ service_id: serviceId, order: 'desc', page: 1, page_size: 100 }, { signal }),
  ]);
  const [own] = coverage;
  const backups = page.items.map(timelineBackup);
  const failed = backups.filter(({ outcome }) => outcome === 'failed');
  const chains = chainsOf(backups.filter(({ outcome }) => outcome === 'done')).slice(0, mostChains);
  const newest = (own?.health.last_good ?? []).map(({ type, backup_id, recovery_point, storage_bytes }) => ({
    type: quoteText(type),
    id: quoteText(backup_id, 200),
    data_of: timeInWords(recovery_point),
    size: sizeInWords(storage_bytes),
  }));
  const drawn = chains.map(({ id, full, increments }) => ({
    full: quoteText(id, 200),
    data_of: full === undefined ? undefined : moment(full.at),
    incrementals: increments.length,
    up_to: moment(increments.at(-1)?.at),
  }));
  const failures = failed.slice(0, mostFailures).map((each) => ({
    type: quoteText(each.type),
    id: quoteText(each.id, 200),
    at: moment(each.at),
    why: each.message && quoteText(each.message, 120),
  }));
  const windows = windowsInWords(own?.windows ?? [], mostWindows);
  const runs = own === undefined ? [] : await nextRunsOf(own.health);
  const next = runs.slice(0, 5).map(({ type, at }) => ({ type, at: moment(at.getTime()) }));
  const label = serviceLabel({ id: serviceId, name: own?.health.service_name });
  return {
    text: [
      `${label}: ${own?.health.verdict.toUpperCase() ?? 'UNKNOWN'}, ${counted(page.count, 'backup')}, ${failed.length} of the newest ${backups.length} failed.`,
      ...newest.map((each) => `- newest ${each.type} ${each.data_of} · ${each.size ?? 'size unknown'} · id ${each.id}`),
      ...drawn.map((each) =>
        each.incrementals === 0
          ? undefined
          : `- chain of full ${each.data_of ?? each.full}: ${each.incrementals} incremental, up to ${each.up_to}`,
      ),
      ...windows.map(({ from, to }) => `- can go back to any moment of ${from} to ${to}`),
      ...failures.map((each) => `- FAILED ${each.type} ${each.at}${each.why === undefined ? '' : `: ${each.why}`}`),
      ...next.map((each) => `- next ${each.type} ${each.at}`),
    ],
    data: {
      service_id: serviceId,
      service_name: own?.health.service_name && quoteText(own.health.service_name, 60),
      verdict: own?.health.verdict,
      count: page.count,
      failed: failed.length,
      newest,
      chains: drawn,
      recovery_windows: windows,
      failures,
      next_runs: next,
    },
    next: page.count === 0 ? 'create_backup takes a backup now, create_schedule regularly.' : undefined,
  };
}

async function ofAll({ api, signal }: Call): Promise<ToolAnswer> {
  const all = await coverageOf(api, undefined, signal);
  const page = await listPage({ limit: 25 }, async () => onePage(all), serviceRow);
  const more = page.count - page.rows.length;
  return {
    text: [
      `Backups of ${counted(page.count, 'service')}, worst first:`,
      ...page.rows.map(({ text }) => text),
      more > 0 ? `- and ${more} more services` : undefined,
    ],
    data: { services: page.rows.map(({ data }) => data), count: page.count },
    next: page.count === 0 ? undefined : 'For one call show_backups with its id as service.',
  };
}

function serviceRow(coverage: Coverage): Row {
  const { service_id, service_name, verdict, last_good, failing } = coverage.health;
  const [newest] = [...last_good].sort((a, b) => a.age_seconds - b.age_seconds);
  const [window] = windowsInWords(coverage.windows, 1);
  const data = {
    id: service_id,
    name: service_name && quoteText(service_name, 60),
    verdict,
    newest: newest && `${quoteText(newest.type)} ${timeInWords(newest.recovery_point)}`,
    window_from: window?.from,
    window_to: window?.to,
    failing: failing.length > 0 ? failing.map(({ type }) => quoteText(type)) : undefined,
  };
  const said = [
    verdict.toUpperCase(),
    data.newest === undefined ? 'no backup' : `newest ${data.newest}`,
    window && `any moment of ${window.from} to ${window.to}`,
    data.failing && `FAILING: ${data.failing.join(', ')}`,
  ];
  return {
    data,
    text: `- ${serviceLabel({ id: service_id, name: service_name })}: ${said.filter(Boolean).join(' · ')}`,
  };
}

function moment(ms: number | undefined): string | undefined {
  return ms === undefined || ms === 0 ? undefined : timeInWords(new Date(ms).toISOString());
}
