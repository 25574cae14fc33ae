/** Roles from weakest to strongest; each may do all that those before it may, and what stands beside it. */
export const roleTable = [
  { role: 'viewer', right: 'read', may: 'read everything' },
  { role: 'operator', right: 'operate', may: 'take, schedule and verify backups, start services, cancel jobs' },
  { role: 'requester', right: 'request', may: 'make plans, and carry them out once someone else approved' },
  { role: 'administrator', right: 'administer', may: 'approve plans, act without one, register services, manage keys' },
] as const;

export type Role = (typeof roleTable)[number]['role'];
export type Right = (typeof roleTable)[number]['right'];
export const roles = roleTable.map(({ role }) => role) as [Role, ...Role[]];

/** Whether a role carries a right. */
export function hasRight(role: Role, right: Right): boolean {
  return roleTable.findIndex((row) => row.role === role) >= roleTable.findIndex((row) => row.right === right);
}

/** The weakest role that carries a right: what a 403 names. */
export function roleFor(right: Right): Role {
  return roleTable.find((row) => row.right === right)?.role ?? 'administrator';
}
