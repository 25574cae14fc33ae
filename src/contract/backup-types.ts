/** The kinds of backups. Apart from the schemas: an MCP server that is only probed shall not build those. */
export const backupTypes = ['full', 'incremental', 'binarylog', 'dump', 'snapshot'] as const;

/** Snapshots are the cloud's alone. */
export const daemonBackupTypes = ['full', 'incremental', 'binarylog', 'dump'] as const;

/** The cloud's types, and the daemon's own: a drill takes no backup, it proves the newest one. */
export const scheduleTypes = [...backupTypes, 'drill'] as const;
export const daemonScheduleTypes = [...daemonBackupTypes, 'drill'] as const;
