import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact, registerSecret } from './redact.ts';

describe('redact', () => {
  it.each([
    ['Authorization: Bearer eyJhbGciOi.J9.abc-def', 'eyJhbGciOi'],
    ['X-API-Key: supersecretkey', 'supersecretkey'],
    ['{"x-api-key":"supersecretkey"}', 'supersecretkey'],
    ['key skb_abcdefghijklmnop1234 used', 'skb_abcdefghijklmnop1234'],
    ['aws_secret_access_key = wJalrX/K7MDENG', 'wJalrX'],
    ['{"credentials":"W2RlZmF1bHRd","path":"s3://b"}', 'W2RlZmF1bHRd'],
    ['encryption_key: "my \\"quoted\\" key"', 'quoted'],
    ["CREATE USER a IDENTIFIED BY 'it''s secret'", 'secret'],
    ["IDENTIFIED VIA mysql_native_password USING '*ABCDEF0123'", 'ABCDEF0123'],
    ["ALTER USER a IDENTIFIED BY PASSWORD '*ABCDEF0123'", 'ABCDEF0123'],
    ['password=hunter22&x=1', 'hunter22'],
    ['AGE-SECRET-KEY-1QQQQQQQQQQ', 'QQQQ'],
    ['mysql://root:hunter22@127.0.0.1/', 'hunter22'],
    ['-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----', 'MIIabc'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIabc', 'MIIabc'],
  ])('takes the secret out of %j', (text, secret) => {
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain('[redacted]');
  });

  it('leaves ordinary words alone', () => {
    const text =
      'Backup 12 of service orders failed: no space left on /var/lib (needs 3 GB). Password files must be 0600.';
    expect(redact(text)).toBe(text);
  });

  it('takes out a registered secret wherever it stands', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9$^.*+?()[\]{}|\\/]{8,40}$/);
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        registerSecret(value);
        expect(redact(`${before}${value}${after}`)).not.toContain(value);
      }),
      { numRuns: 50 },
    );
  });
});
