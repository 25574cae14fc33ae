import { expect, test } from 'vitest';
import { mountsWithin } from './mounts.ts';

const table = `22 27 0:20 / /sys rw,relatime - sysfs sysfs rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 254:16 / /srv/mysql rw - xfs /dev/vdb rw
31 27 254:0 /elsewhere /srv/bound rw - ext4 /dev/vda rw
32 27 0:40 / /srv/my\\040data/shop rw - tmpfs tmpfs rw
33 27 254:0 / /srv/mysql-other rw - ext4 /dev/vda rw
`;

test('a directory that is a mount point, a bind mount of the same device included, or has one in it', () => {
  expect(mountsWithin('/srv/mysql', table)).toEqual(['/srv/mysql']);
  expect(mountsWithin('/srv/bound', table)).toEqual(['/srv/bound']);
  expect(mountsWithin('/srv/my data', table)).toEqual(['/srv/my data/shop']);
  expect(mountsWithin('/srv/my', table)).toEqual([]);
  expect(mountsWithin('/srv/mysql/data', table)).toEqual([]);
});
