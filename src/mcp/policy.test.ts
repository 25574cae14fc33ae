import { describe, expect, it } from 'vitest';
import { openBackupApi } from '../client/open.ts';
import { readSettings } from '../client/settings.ts';
import { approvalChannels } from '../contract/plans.ts';
import { trusts } from './guard/trusted-channels.ts';
import { policyOf, waysToApprove } from './policy.ts';
import { allTools } from './tools/all.ts';

const cloud = { SKYSQL_API_KEY: 'cloud-test-key-0123456789', SKYBACKUP_HOME: '/nowhere' };
const daemon = { SKYBACKUP_HOME: '/nowhere' };

function policy(env: Record<string, string>, without: string[] = []) {
  const settings = readSettings(env);
  const { provider } = openBackupApi(settings);
  const offered = allTools.filter(
    ({ name, needs, operation }) =>
      (needs === undefined || provider.capabilities[needs]) &&
      (!settings.readOnly || operation === 'read') &&
      !without.includes(name),
  );
  const said = policyOf(provider, settings, offered);
  return { ...said, text: (said.in_words as string[]).join('\n') } as Record<string, unknown> & { text: string };
}

const channelsOf = ({ approvals }: Record<string, unknown>): string[] =>
  (approvals as { channel: string }[]).map(({ channel }) => channel);

describe('the policy', () => {
  it.each([
    [daemon, 'ask', ['elicitation', 'terminal', 'approver_key']],
    [daemon, 'strict', ['approver_key']],
    [daemon, 'host', ['terminal', 'approver_key', 'host']],
    [cloud, 'ask', ['elicitation', 'terminal']],
    [cloud, 'strict', []],
    [cloud, 'host', ['terminal', 'host']],
  ])('of %o in mode %s counts these ways to say yes: %j', (env, mode, channels) => {
    const said = policy({ ...env, SKYBACKUP_CONFIRM: mode });
    expect(channelsOf(said)).toEqual(channels);
    expect(said.confirm).toBe(mode);
    expect(said.text.includes('cannot be approved here')).toBe(channels.length === 0);
  });

  it('counts the page of a plan where a person switched that on, and where people are asked', () => {
    const pages = { ...cloud, SKYBACKUP_APP_CONFIRM: '1' };
    expect(channelsOf(policy(pages))).toContain('app');
    expect(channelsOf(policy({ ...pages, SKYBACKUP_CONFIRM: 'host' }))).not.toContain('app');
    expect(channelsOf(policy(cloud))).not.toContain('app');
  });

  it('never names a way that the guard does not trust', () => {
    for (const confirm of ['ask', 'strict', 'host'] as const) {
      for (const appConfirm of [false, true]) {
        for (const kind of ['cloud', 'daemon'] as const) {
          const settings = { confirm, appConfirm, readOnly: false };
          const trusted: string[] = approvalChannels.filter((channel) => trusts(settings, channel));
          for (const { channel } of waysToApprove(kind, settings)) expect(trusted).toContain(channel);
        }
      }
    }
  });

  it('says of every tool that takes something away how that is undone, or that nothing does it', () => {
    for (const { name, asks, undo, needs } of allTools) {
      if (asks === 'never' || asks.includes('storage')) continue;
      expect(undo?.daemon, name).toBeTruthy();
      if (needs === undefined) expect(undo?.cloud, name).toBeTruthy();
    }
    expect(policy(daemon).text).toContain('To undo restore_backup: undo_restore');
    expect(policy(cloud).text).toContain('To undo restore_backup: nothing does');
    expect(policy(cloud).text).not.toContain('undo_restore');
  });

  it('of a read-only server promises no change, no approval and no undo', () => {
    const said = policy({ ...daemon, SKYBACKUP_READ_ONLY: '1' });
    expect(said).toMatchObject({ read_only: true, tools: { write: [], destructive: [] }, asks_a_person: [], undo: [] });
    expect(said.text).toContain('only reads');
    expect(said.text).not.toMatch(/waits for a person|To undo/);
  });

  it('tells a caller whose role allows less what it does not have', () => {
    const said = policy(daemon, ['restore_backup', 'delete_backup']);
    expect(said.tools).toMatchObject({ not_for_this_caller: ['restore_backup', 'delete_backup'] });
    expect(said.text).toContain('The role of this caller allows no more: restore_backup, delete_backup');
    expect(policy(daemon).text).not.toContain('role of this caller');
    expect(policy({ ...daemon, SKYBACKUP_READ_ONLY: '1' }).text).not.toContain('role of this caller');
  });

  it('names the services that exist here, what no tool does, and locks where there are any', () => {
    expect(policy({ ...daemon, SKYBACKUP_SERVICES: 'orders,crm' }).text).toContain(
      'no other, as source and as target: orders, crm.',
    );
    for (const what of ['credentials', 'bucket paths', 'unlocking it', 'retention', 'approving a plan'])
      expect(policy(daemon).text).toContain(what);
    expect(policy(daemon).text).toContain('A person may lock a service');
    expect(policy(cloud).text).not.toContain('lock');
  });

  it('holds no key', () => {
    expect(JSON.stringify(policy(cloud))).not.toContain(cloud.SKYSQL_API_KEY);
  });
});
