import { statSync } from 'node:fs';
import { localStorage } from '../../contract/default-storage.ts';
import type { Home } from '../../contract/home.ts';
import { Identities, type IdentityFile } from '../../engine/encryption/identities.ts';
import { readLocalStorage, readStorages } from '../../storages/storage-files.ts';
import { type Finding, ok, warning } from './finding.ts';

/** Whether the encrypted backups of each storage could be read here, and whether the identities are safe. */
export async function encryptionChecks(home: Home): Promise<Finding[]> {
  const local = { name: localStorage, recipients: readLocalStorage(home)?.recipients };
  const encrypted = [local, ...readStorages(home)].flatMap(({ name, recipients = [] }) =>
    recipients.length === 0 ? [] : [{ name, recipients }],
  );
  const identities = new Identities(home);
  const findings: Finding[] = [];
  for (const { name, recipients } of encrypted) {
    const here = await identities.canOpen(recipients);
    findings.push(
      ok(
        `encryption of ${name}`,
        `to ${recipients.join(', ')}; ${
          here
            ? 'an identity that opens it is on this machine'
            : 'no identity that opens it is on this machine: backups are taken all the same, and restores, verifications and drills need one ("skybackup encryption add-identity <file>")'
        }`,
      ),
    );
  }
  return [...findings, ...(await identities.list()).map(identity)];
}

function identity({ name, path, trouble }: IdentityFile): Finding {
  const check = `identity ${name}`;
  if (trouble !== undefined) {
    return warning(check, `${path} opens nothing: ${trouble}.`, 'Bring its file back, or remove it from there.');
  }
  if ((statSync(path).mode & 0o077) === 0) return ok(check, `${path}, for this user alone`);
  return warning(check, `Other users may read ${path}, and with it the backups.`, `Run: chmod 600 ${path}`);
}
