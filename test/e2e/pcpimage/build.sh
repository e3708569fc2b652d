#!/bin/bash
# Builds the file system of a PCP image from Debian's packages: build.sh FOLDER ENTRYPOINT SUITE
set -euo pipefail
root=$1 entrypoint=$2 suite=$3

debootstrap --variant=minbase --include=systemd,systemd-sysv "$suite" "$root" http://deb.debian.org/debian

# The packages' scripts must neither start services nor find no /proc.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y --no-install-recommends pcp pcp-zeroconf python3-requests procps
rm -rf "$root/usr/sbin/policy-rc.d" "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/usr/share/doc" "$root/usr/share/man"
: >"$root/etc/machine-id"

install -m 755 "$entrypoint" "$root/usr/bin/container-entrypoint"
printf 'PMCD_LOCAL=0\n' >>"$root/etc/default/pmcd"
printf 'PMPROXY_LOCAL=0\n' >>"$root/etc/default/pmproxy"

# systemd-sysctl of a privileged container would set the node's fs.protected_*; the rest wants hardware or a terminal.
for unit in systemd-sysctl.service console-getty.service getty.target dev-hugepages.mount systemd-logind.service \
	systemd-remount-fs.service systemd-udevd.service systemd-udev-trigger.service systemd-random-seed.service \
	systemd-pstore.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
