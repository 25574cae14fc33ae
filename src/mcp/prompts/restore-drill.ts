import { definePrompt } from './define-prompt.ts';

export const restoreDrill = definePrompt({
  name: 'restore_drill',
  title: 'Restore drill',
  description: 'Proves that a backup can be restored, and measures how long that takes',
  args: {
    service: { description: 'The service, by id, name or domain name', completes: 'service', required: true },
    backup: { description: 'A certain backup; otherwise the newest', completes: 'backup' },
    spare: { description: 'A service whose data may be lost, to restore onto', completes: 'service', only: 'cloud' },
  },
  needs: { cloud: ['restore_backup'], daemon: ['verify_backup'] },
  goal: ({ given: { service } }) => `Prove with me that the backups of service ${service} can be restored.`,
  steps({ kind, can, given: { service, backup, spare } }) {
    const which = backup === undefined ? 'backup "latest"' : `backup ${backup}`;
    if (kind === 'daemon') {
      return [
        `Call check_backups with service ${service}: when was a restore last proven, and how long did it take?`,
        `Call verify_backup with service ${service} and ${which}. It restores into a sandbox and touches no service. Ask whether every table is to be checked too (checks: check_table, row_counts): that takes longer.`,
        'Call wait_for until it has finished.',
        can('restore_backup')
          ? 'If the person wants to see the data themselves, offer restore_backup with target "new": it makes a service beside the others, replaces nothing and needs no approval. They open it at a terminal, and remove it afterwards.'
          : undefined,
        can('create_schedule')
          ? 'Offer a weekly create_schedule of type drill, so that this happens by itself; ask for the time and the time zone first.'
          : undefined,
        'Report: which backup, from when its data are, whether it is sound, how long recovery took, and whether that is quick enough for them.',
      ];
    }
    return [
      'Say first that the cloud has no drills: the only proof is a restore onto a spare service, which LOSES ALL ITS DATA. A point in time works there by snapshots alone.',
      `Call list_backups with service ${service} and ${backup === undefined ? 'take its newest finished one' : `id ${backup}`}; say from when its data are.`,
      `Call list_services. ${spare === undefined ? 'Ask which service is the spare one; never choose it yourself' : `Ask the person to confirm that ${spare} is the spare one`}. It must run in the same cloud provider, and must not be service ${service}.`,
      `Call restore_backup with service ${spare ?? '<the spare one>'} and that backup. Where the person says that nothing on the spare one is worth keeping, safety_backup false spares a backup of it. The first call changes nothing: show its plan and wait for the person.`,
      'Call wait_for until it has finished; note how long it took. Then list_services with the spare one: it may be stopped. Offer start_service.',
      `Ask the person to log in there, with the users of service ${service}, and to look at the newest rows.`,
      can('stop_service') ? 'Offer to stop the spare one again (stop_service), which needs their yes.' : undefined,
      'Report: which backup, from when its data are, whether the person found them whole, and how long it took.',
    ];
  },
});
