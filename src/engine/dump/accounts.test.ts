import { expect, it } from 'vitest';
import { grantAlone } from './accounts.ts';

it.each([
  [
    "GRANT ALL PRIVILEGES ON *.* TO `imp`@`127.0.0.1` IDENTIFIED BY PASSWORD '*B69027D44F6E5EDC07F1AEAD1477967B16F28227' WITH GRANT OPTION;",
    'GRANT ALL PRIVILEGES ON *.* TO `imp`@`127.0.0.1` WITH GRANT OPTION;',
  ],
  [
    "GRANT USAGE ON *.* TO `a``b`@`%` IDENTIFIED VIA ed25519 USING 'x WITH GRANT OPTION' OR unix_socket REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 5;",
    'GRANT USAGE ON *.* TO `a``b`@`%`;',
  ],
  ['GRANT `boss` TO `root`@`localhost` WITH ADMIN OPTION;', 'GRANT `boss` TO `root`@`localhost` WITH ADMIN OPTION;'],
  [
    'GRANT PROXY ON ``@`%` TO `root`@`::1` WITH GRANT OPTION;',
    'GRANT PROXY ON ``@`%` TO `root`@`::1` WITH GRANT OPTION;',
  ],
  ['GRANT SELECT ON *.* TO `boss`;', 'GRANT SELECT ON *.* TO `boss`;'],
  ['GRANT SELECT ON `shop`.* TO `reader`@`localhost`;', 'GRANT SELECT ON `shop`.* TO `reader`@`localhost`;'],
  [
    "CREATE USER IF NOT EXISTS `r`@`%` IDENTIFIED BY PASSWORD '*0F';",
    "CREATE USER IF NOT EXISTS `r`@`%` IDENTIFIED BY PASSWORD '*0F';",
  ],
])('of %s the grant alone stays', (line, alone) => {
  expect(grantAlone(line)).toBe(alone);
});
