import { definePrompt } from './define-prompt.ts';

export const protectService = definePrompt({
  name: 'protect_service',
  title: 'Protect a new service',
  description:
    'Sets up backups of a service: schedules that fit what may be lost, a first backup, and the proof that it works',
  args: {
    service: { description: 'The service, by id, name or domain name', completes: 'service', required: true },
    storage: { description: 'Where its backups are to go, if not to the default', completes: 'storage' },
  },
  needs: {
    cloud: ['create_schedule', 'create_backup'],
    daemon: ['create_schedule', 'create_backup'],
  },
  goal: ({ given: { service } }) => `Help me to have service ${service} backed up well, and to see that it works.`,
  steps({ kind, can, given: { service, storage } }) {
    const place = storage === undefined ? '' : ` and storage ${storage}`;
    return [
      kind === 'daemon'
        ? `Call list_services with service ${service}. If it is not there, ask the person to register it at a terminal with "skybackup services add"; never ask for a password here.`
        : `Call list_services with service ${service}. If it is not there, ask the person which one of those listed is meant.`,
      `Call check_backups and list_schedules with it: what is there already is not made twice.`,
      'Ask the person: how much may be lost at worst (a day, an hour, nothing); at what local time backups may run, and in which time zone; how long backups have to be kept.',
      storage === undefined
        ? 'Call list_storages and ask whether the backups are to stay at the default place.'
        : `Call list_storages: storage ${storage} must be there. If not, a person adds it with "skybackup storages add"; take no bucket path and no credentials here. The first backup of a service to a new storage needs a person's yes.`,
      can('preview_schedule')
        ? 'Turn their times into cron in UTC, call preview_schedule, and show the next runs until they agree.'
        : 'Turn their times into cron in UTC, and say it back to them in their own zone.',
      kind === 'daemon'
        ? `Call create_schedule with the service${place}: type full nightly at least; incremental more often if a day is too much to lose; binarylog every few minutes if they want to go back to any moment. A nightly full may be there from the registration. Show the next runs.`
        : `Call create_schedule with the service${place}: type full nightly at least (on Azure: snapshot); incremental more often if a day is too much to lose. To go back to any moment the cloud needs type snapshot, with gaps shorter than expire_logs_days (4 days unless changed), MariaDB 10.8 or newer and no Galera cluster. Show the next runs.`,
      `Call create_backup with the service${place}, type full, then wait_for until it has finished: the first backup shows whether all of it works.`,
      can('verify_backup')
        ? 'Call verify_backup with that backup, then wait_for: it proves that it can be restored, and how long that takes. Offer a weekly create_schedule of type drill, which does so by itself.'
        : undefined,
      can('set_retention')
        ? 'Call get_retention. If it is not what they want, call set_retention; keeping less than now needs a yes.'
        : kind === 'cloud'
          ? 'Say that the cloud keeps backups 7 days, and a snapshot no longer than its service: what must live longer goes to a storage of their own.'
          : undefined,
      'Call check_backups again. Report what is protected now, up to when data would be lost at worst, and what is still open.',
    ];
  },
});
