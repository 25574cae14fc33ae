/** Whether a verification that ended with this error found the backup itself at fault: else it could not look at it. */
export function isUnsound(code: string | undefined): boolean {
  return code === 'backup_damaged' || code === 'proof_failed';
}
