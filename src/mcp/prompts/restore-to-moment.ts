import { definePrompt } from './define-prompt.ts';

export const restoreToMoment = definePrompt({
  name: 'restore_to_moment',
  title: 'Restore to a moment',
  description: 'Takes a service back to a moment before something went wrong, and loses as little as possible',
  args: {
    service: { description: 'The service, by id, name or domain name', completes: 'service', required: true },
    moment: { description: 'The moment to go back to, or what went wrong and when; with the time zone' },
    backup: { description: 'A certain backup instead of the best one', completes: 'backup' },
  },
  needs: { cloud: ['restore_backup'], daemon: ['restore_backup'] },
  goal: ({ given: { service, moment, backup } }) =>
    `Help me to get the data of service ${service} back${moment === undefined ? '' : `, as of ${moment}`}${backup === undefined ? '' : `, from backup ${backup}`}.`,
  steps({ kind, can, given: { service, moment, backup } }) {
    const daemon = kind === 'daemon';
    return [
      `Call list_services with service ${service}: its state, and to which moments it can go back.`,
      moment === undefined
        ? 'Ask the person what went wrong and when, and in which time zone. Turn it into UTC and say it back before anything else.'
        : `Turn ${moment} into UTC. If the time zone is not clear, ask; say the moment back before anything else.`,
      can('find_transactions')
        ? 'If a single statement did the harm (a DROP, a DELETE), call find_transactions around that time and show what you found: restoring with before_gtid loses nothing that came before it.'
        : undefined,
      daemon
        ? undefined
        : 'A point in time works here only by snapshots, and only inside the window of the first step. Without a window, call list_backups with the service and offer the newest backup from before the moment.',
      backup === undefined
        ? undefined
        : `Call list_backups with id ${backup}: say from when its data are, and what was written since then.`,
      'Say plainly what is lost: everything written to this service after that moment. Ask who else writes to it, and whether they know.',
      daemon
        ? 'Offer restore_backup with target "new" first: it makes a service beside this one, replaces nothing and needs no approval, and single tables can be copied from there.'
        : "Ask whether a spare service may be used instead (target it, with this one as source): that one loses its data then, and gets this one's users. Only within the same cloud provider.",
      can('create_backup')
        ? daemon
          ? 'Before the service itself is replaced, offer create_backup of it as it is, then wait_for. Its data of before are kept for 72 hours in any case.'
          : 'Before the service itself is replaced, call create_backup of it as it is, then wait_for: the cloud has no undo, and restore_backup wants a backup of the last hour as the way back. Only the person may give that up (safety_backup false).'
        : undefined,
      `When they have chosen, call restore_backup with exactly that. The first call changes nothing: show its plan, wait for the person, then follow what the answer says.`,
      daemon
        ? 'Call wait_for until it has finished. Ask the person to look at the data. If they are not what was wanted, offer undo_restore within 72 hours.'
        : 'Call wait_for until it has finished, then list_services with the service: it may be stopped. Offer start_service. Say whose users and passwords it has now.',
      'Report: from which moment the data are, what was lost, how long it was down, and how to go back.',
    ];
  },
});
