import { expect, test } from 'vitest';
import { gtidsOf } from './gtid-state.ts';

test('the GTIDs of a log are read from its list of earlier ones and from each transaction, and from nothing else', () => {
  const text = [
    '#261122 18:42:41 server id 77  end_log_pos 331 CRC32 0xb12c8bcc \tGtid list [0-3-20,',
    '# 0-77-500,',
    '# 1-4-9]',
    '#261122 18:41:17 server id 77  end_log_pos 285 CRC32 0xc5edba4b \tGtid list []',
    '#261122 18:41:18 server id 77  end_log_pos 367 CRC32 0x19bd1a9f \tGTID 0-77-501 ddl',
    '#261122 18:41:18 server id 77  end_log_pos 367 CRC32 0x19bd1a9f \tGTID 0-77-502 trans',
    "INSERT INTO t VALUES ('GTID 0-99-999 Gtid list 0-99-998')",
    '# at 331',
  ];
  expect(text.flatMap(gtidsOf)).toEqual(['0-3-20', '0-77-500', '1-4-9', '0-77-501', '0-77-502']);
});
