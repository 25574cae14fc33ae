#!/bin/sh
# Run as the first process of new mount, pid, ipc, uts and cgroup namespaces: makes a root of its own and becomes systemd in it.
# Nothing of the machine can be written from there but the one shared folder: programs are read-only, /etc, /var, /tmp, /run
# and /dev are empty memory, /sys holds no more than the cgroups of this namespace, and of the machine's units none is
# there. A systemd that found them would clear the machine's /tmp and start its services.
set -eu
root=$1 shared=$2 owner=$3

mount --make-rprivate /
mount -t tmpfs -o mode=755 root "$root"
cd "$root"
mkdir -p usr proc sys dev etc/systemd/system run var tmp root old ".$shared"
for name in bin sbin lib lib64; do [ ! -e "/$name" ] || ln -s "usr/$name" "$name"; done
mount --bind /usr usr
mount -o remount,bind,ro usr
for name in system system-generators system-environment-generators; do
  mount -t tmpfs -o mode=755 none "usr/lib/systemd/$name"
done
for name in basic sysinit shutdown multi-user; do
  cp "/usr/lib/systemd/system/$name.target" usr/lib/systemd/system/
done
mount --bind "$shared" ".$shared"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
for name in proc/sysrq-trigger proc/kcore; do [ ! -e $name ] || mount --bind /dev/null $name; done
mount -t tmpfs -o mode=755 sys sys
mkdir -p sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -o remount,bind,ro sys
mount -t tmpfs -o mode=755 dev dev
for name in null zero full random urandom tty; do
  : >"dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/shm
chmod 1777 dev/shm tmp
cp /etc/ld.so.cache etc/
printf 'root:x:0:0::/root:/bin/sh\nmysql:x:%s:%s::/:/bin/false\n' "$owner" "$owner" >etc/passwd
printf 'root:x:0:\nmysql:x:%s:\n' "$owner" >etc/group
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
printf '[Manager]\nDefaultStandardOutput=null\nDefaultStandardError=null\nShowStatus=no\n' >etc/systemd/system.conf
pivot_root . old
umount -l old
rmdir old
cd /
# No power over the network, the clock, modules or the machine's end: those are shared.
exec env -i container=test PATH=/usr/sbin:/usr/bin setpriv \
  --bounding-set=-all,+chown,+dac_override,+dac_read_search,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+sys_admin,+sys_chroot,+sys_resource,+ipc_lock \
  /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=console --log-level=info
