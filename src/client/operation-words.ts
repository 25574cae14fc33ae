interface Operation {
  words: string;
  /** The role that the cloud's documentation names for it. */
  role: string | undefined;
}

const administrator = 'Administrator';

/** What a request asks for, in words for the person whose key may not. */
const operations: [method: string, path: RegExp, words: string, role?: string][] = [
  ['POST', /\/backups\/schedules$/, 'creating a backup or a schedule', administrator],
  ['PATCH', /\/backups\/schedules\//, 'changing a schedule', administrator],
  ['DELETE', /\/backups\/schedules\//, 'deleting a schedule', administrator],
  ['GET', /\/backups\/schedules/, 'reading schedules'],
  ['GET', /\/backups/, 'reading backups'],
  ['POST', /\/restores$/, 'starting a restore'],
  ['POST', /\/restores\/lookup$/, 'asking where a backup can be restored'],
  ['DELETE', /\/restores\//, 'deleting the record of a restore'],
  ['GET', /\/restores/, 'reading restores'],
  ['POST', /\/services\/[^/]+\/(power|start|stop)$/, 'starting or stopping a service'],
  ['GET', /\/services/, 'reading services'],
];

export function operationOf(method: string, path: string): Operation {
  const found = operations.find(([verb, pattern]) => verb === method && pattern.test(path));
  return found === undefined ? { words: `${method} ${path}`, role: undefined } : { words: found[2], role: found[3] };
}
