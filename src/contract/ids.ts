/**
 * A service id from an id or a fully qualified domain name: the id is the FQDN's first label.
 * `dbpgf17106534.sysp0000.db2.skysql.com` → `dbpgf17106534`.
 */
export function serviceIdOf(idOrFqdn: string): string {
  const trimmed = idOrFqdn.trim();
  const dot = trimmed.indexOf('.');
  return dot > 0 ? trimmed.slice(0, dot) : trimmed;
}

/** Ids the daemon gives and takes for services: safe as a folder name, a URL segment and an S3 key. */
export const serviceIdPattern = /^[a-z][a-z0-9-]{1,30}[a-z0-9]$/;

/** A backup id carries a colon (`<32 hex>:<service_id>:<server_pod>`); a service id never does. */
export function isBackupId(id: string): boolean {
  return /^[0-9a-f]{32}:[^:/\s]+:[^:/\s]+$/.test(id);
}
