/** What follows from the recipients of a storage, for people. */
export function encryptedTo(storage: string, recipients: readonly string[]): string {
  if (recipients.length === 0) return `New backups in ${storage} are not encrypted. Earlier ones stay as they are.`;
  return `New backups in ${storage} are encrypted to ${recipients.join(', ')}. Earlier ones stay as they are, and so do the identities that they need.`;
}
