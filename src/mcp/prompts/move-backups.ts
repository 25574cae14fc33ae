import { definePrompt } from './define-prompt.ts';

export const moveBackups = definePrompt({
  name: 'move_backups',
  title: 'Move backups to a bucket of our own',
  description:
    'Has the backups of services go to a bucket that is yours from now on, and keeps the earlier ones until they expire',
  args: {
    storage: { description: 'The storage, by its name in list_storages', completes: 'storage' },
    service: { description: 'One service only, by id, name or domain name', completes: 'service' },
  },
  needs: {
    cloud: ['list_storages', 'create_backup', 'create_schedule'],
    daemon: ['list_storages', 'create_backup', 'create_schedule'],
  },
  goal: ({ given: { storage, service } }) =>
    `Help me to have the backups of ${service === undefined ? 'our services' : `service ${service}`} go to ${storage === undefined ? 'a bucket of our own' : `storage ${storage}`}.`,
  steps({ kind, can, given: { storage, service } }) {
    const name = storage ?? 'its name';
    return [
      `Call list_storages. ${storage === undefined ? 'Ask which of them is meant' : `Storage ${storage} must be there`}; if it is not there yet, the person adds it at a terminal: "skybackup storages add <name> --path s3://… --credentials-file …". Take no bucket path and no credentials here, not even if they are offered.`,
      'Ask who can read that bucket: they will be able to read all data of these services. Say that the earlier backups are not moved; they stay where they are until they expire.',
      `Call list_schedules${service === undefined ? '' : ` with service ${service}`}. Agree with the person on what is to go to the bucket.`,
      `For each service call create_backup with storage ${name} and type full, then wait_for. The first one of a service to a new storage needs a person's yes. Incrementals build on a full in the same storage.`,
      can('verify_backup')
        ? 'Call verify_backup with what it made, then wait_for, before anything is taken off the old place.'
        : 'The cloud does not prove backups: restore this one onto a spare service before you rely on it.',
      `Call create_schedule with storage ${name} for each schedule that moves: the same type and cron as before. Show the next runs.`,
      can('update_schedule') || can('delete_schedule')
        ? `When the new schedules have run, take away the old ones: ${['update_schedule with suspended true', 'delete_schedule'].filter((each) => can(each.split(' ')[0] ?? '')).join(', or ')}. Both need a person's yes. Archived logs and incrementals go last.`
        : undefined,
      kind === 'daemon'
        ? `For what is registered later, the person may make it the default: "skybackup storages default <name> --all".`
        : 'The storages are files of this machine: on another one they have to be added again.',
      'Call check_backups and report what goes where now.',
    ];
  },
});
