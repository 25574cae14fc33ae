import type { Provider } from '../client/backup-api.ts';
import type { Settings } from '../client/settings.ts';
import type { ApprovalChannel } from '../contract/plans.ts';
import type { Tool } from './define-tool.ts';
import { type ApprovalSettings, approvesInPages, trusts } from './guard/trusted-channels.ts';
import { allTools } from './tools/all.ts';

type Kind = Provider['kind'];

interface Channel {
  how: string;
  proves: string;
  /** Whether there is such a way with this provider and in this mode; whether it is trusted then is the guard's to say. */
  exists(kind: Kind, settings: ApprovalSettings): boolean;
}

/** The ways to say yes, and who is proven by each. */
const channels: Partial<Record<ApprovalChannel, Channel>> = {
  elicitation: {
    how: "a form of the client, in which the target's id is typed",
    proves: 'whoever the client asks',
    exists: (_kind, { confirm }) => confirm === 'ask',
  },
  app: {
    how: "the plan's page in a client that shows pages, in which the target's id is typed",
    proves: 'whoever the client shows the page: the client alone keeps models from it',
    exists: (_kind, settings) => approvesInPages(settings),
  },
  terminal: {
    how: '"skybackup approve <code>" at a terminal, id typed',
    proves: "someone with a terminal and this user's rights",
    exists: () => true,
  },
  approver_key: {
    how: '"skybackup approve <code>" with an approver key that is not the one this server uses',
    proves: 'the holder of that key',
    exists: (kind) => kind === 'daemon',
  },
  host: {
    how: "the call repeated with the plan's token",
    proves: "nobody: the client's own prompt is the check",
    exists: (_kind, { confirm }) => confirm === 'host',
  },
};

/** What never goes through a tool, and how a person does it. */
const never: readonly { what: string; by: string; only?: Kind }[] = [
  { what: 'credentials, keys and passwords', by: 'files that a person names at a terminal' },
  { what: 'bucket paths: backups go to storages by name', by: 'skybackup storages add' },
  { what: 'approving a plan', by: 'skybackup approve' },
  { what: 'registering, forgetting or removing a service', by: 'skybackup services', only: 'daemon' },
  { what: 'locking a service or unlocking it', by: 'skybackup services lock, unlock', only: 'daemon' },
  { what: 'anything that needs a plan, of a locked service: retention too', by: 'skybackup', only: 'daemon' },
  { what: 'restoring what lies in a bucket of others', by: 'skybackup restores bring', only: 'daemon' },
  { what: 'deleting kept data of before a restore', by: 'skybackup restores discard', only: 'daemon' },
  { what: 'identities that open encrypted backups', by: 'skybackup encryption', only: 'daemon' },
  { what: 'making, renaming or deleting services', by: 'the SkySQL portal', only: 'cloud' },
];

/** How a person says yes here: none where SKYBACKUP_CONFIRM=strict wants a key that the cloud does not have. */
export function waysToApprove(
  kind: Kind,
  settings: ApprovalSettings,
): { channel: string; how: string; proves: string }[] {
  return Object.entries(channels)
    .filter(([channel, { exists }]) => exists(kind, settings) && trusts(settings, channel as ApprovalChannel))
    .map(([channel, { how, proves }]) => ({ channel, how, proves }));
}

/** What this server may do for this caller, in words and as data: from the settings and the tools there are, so that it is true in each mode. */
export function policyOf(
  { kind, url, capabilities }: Provider,
  settings: Settings,
  offered: readonly Tool[],
): Record<string, unknown> {
  const { readOnly, confirm, services } = settings;
  const names = (tools: readonly Tool[]): string[] => tools.map(({ name }) => name);
  const asking = offered.filter(({ asks }) => asks !== 'never');
  const ways = waysToApprove(kind, settings);
  const barred = never.filter(({ only }) => only === undefined || only === kind);
  const undo = asking.flatMap(({ name, undo }) =>
    undo?.[kind] === undefined ? [] : [{ tool: name, undo: undo[kind] }],
  );
  const withheld = allTools.filter(
    (tool) =>
      !offered.includes(tool) &&
      (tool.needs === undefined || capabilities[tool.needs]) &&
      (!readOnly || tool.operation === 'read'),
  );
  return {
    in_words: [
      kind === 'cloud'
        ? `It works on the SkySQL / MariaDB Cloud at ${url}.`
        : `It works on a skybackup daemon, ${url}.`,
      services === undefined
        ? 'It sees every service.'
        : `It sees these services and no other, as source and as target: ${services.join(', ')}.`,
      readOnly ? 'It only reads: no tool that changes anything exists here.' : undefined,
      withheld.length === 0
        ? undefined
        : `The role of this caller allows no more: ${names(withheld).join(', ')} do not exist for it.`,
      asking.length === 0
        ? undefined
        : ways.length === 0
          ? 'What takes something away cannot be approved here: SKYBACKUP_CONFIRM=strict wants an approver key, and the cloud has none.'
          : `What takes something away waits for a person's yes to a plan, which holds for ten minutes, once: ${ways.map(({ how }) => how).join('; or ')}.`,
      kind === 'daemon' && asking.length > 0
        ? 'A person may lock a service: then every plan for it is refused, whoever asks.'
        : undefined,
      ...undo.map(({ tool, undo }) => `To undo ${tool}: ${undo}`),
      `No tool does these: ${barred.map(({ what, by }) => `${what} (${by})`).join('; ')}.`,
    ].filter((line) => line !== undefined),
    provider: kind,
    read_only: readOnly,
    confirm,
    services: services ?? 'all',
    tools: {
      read: names(offered.filter(({ operation }) => operation === 'read')),
      write: names(offered.filter(({ operation }) => operation === 'write')),
      destructive: names(offered.filter(({ operation }) => operation === 'destructive')),
      not_for_this_caller: withheld.length === 0 ? undefined : names(withheld),
    },
    asks_a_person: asking.map(({ name, asks }) => ({ tool: name, when: asks })),
    approvals: ways,
    undo,
    never: barred.map(({ what, by }) => ({ what, by })),
  };
}
