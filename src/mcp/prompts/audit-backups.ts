import { definePrompt } from './define-prompt.ts';

export const auditBackups = definePrompt({
  name: 'audit_backups',
  title: 'Audit our backups',
  description: 'Looks at every service and tells what is protected, what is not, and what to do first; changes nothing',
  args: {
    service: { description: 'One service only, by id, name or domain name', completes: 'service' },
  },
  needs: { cloud: [], daemon: [] },
  goal: ({ given: { service } }) =>
    `Audit the backups of ${service === undefined ? 'all our services' : `service ${service}`}. Change nothing: look, and report.`,
  steps({ kind, can, given: { service } }) {
    const scope = service === undefined ? '' : ` with service ${service}`;
    const offers = ['create_schedule', 'create_backup', 'verify_backup'].filter(can);
    return [
      `Call check_backups${scope}; go on with its cursor until you have seen every service.`,
      `Call list_schedules${scope}: which services have none, which are suspended, when the next runs are.`,
      'For each service that is not ok, call check_backups with that service alone, and list_backups with it: since when, and why.',
      kind === 'daemon'
        ? 'Look at when a restore was last proven (last_proven_restore). A backup that was never restored is a hope.'
        : 'The cloud cannot prove that a backup restores. Ask when somebody last restored one onto a spare service.',
      'Call list_storages: is everything in one place? Would one stolen key, or one lost machine, take the data and the backups?',
      can('get_retention')
        ? 'Call get_retention for the services that matter most, and compare it with what the person has to keep.'
        : kind === 'cloud'
          ? 'The cloud keeps backups 7 days: ask whether something has to live longer.'
          : undefined,
      'Report as a table, worst first: service, verdict, how much would be lost now, last proven restore, what is wrong. Then the three things to do first, each with what it costs.',
      offers.length === 0
        ? 'Nothing can be changed from here: say who has to do it.'
        : `Offer to do them (${offers.join(', ')}), and do none before the person says which.`,
    ];
  },
});
