#!/bin/bash
# Builds the file system of a PCP image from Debian's packages: build.sh FOLDER SYSTEM SUITE VERSION PACKAGE...
# SYSTEM is the release of Debian that the system is of, SUITE the one that PCP is of, and VERSION what PCP's must begin with.
set -euo pipefail
root=$1 system=$2 suite=$3 version=$4
shift 4
mirror=http://deb.debian.org/debian

in_root() { DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"; }

debootstrap --variant=minbase --include=systemd,systemd-sysv "$system" "$root" "$mirror"

# The packages' scripts must neither start services nor find no /proc.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
# Nobody needs the files after a power failure: without it, most of the time goes by in waiting for the disk.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/image"
printf 'path-exclude=%s\n' '/usr/share/locale/*' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/info/*' >>"$root/etc/dpkg/dpkg.cfg.d/image"

if [ "$suite" != "$system" ]; then
	# A Release file of sid is valid for a week: a clock that is ahead, or a mirror that is behind, must not break the build.
	echo "deb [check-valid-until=no] $mirror $suite main" >"$root/etc/apt/sources.list.d/pcp.list"
	# Only what PCP needs is of the newer suite; systemd never: see the variable Sid.
	cat >"$root/etc/apt/preferences.d/pcp" <<-PINS
		Package: *
		Pin: release n=$suite
		Pin-Priority: 100

		Package: src:systemd
		Pin: release n=$suite
		Pin-Priority: -1
	PINS
	in_root apt-get update
fi
in_root apt-get install -y --no-install-recommends -t "$suite" "$@"

installed=$(in_root dpkg-query --show --showformat '${Version}' pcp)
case $installed in
"$version".*) echo "PCP $installed" ;;
*)
	echo "Debian $suite has PCP $installed, not $version.*: what the tests say of PCP $version has to be looked at again; then change the image's Version" >&2
	exit 1
	;;
esac

# What nobody reads in a container. Compiled Python stays: without it, agents start later. No agent in Perl works without
# further packages, so that what is essential to Debian (perl-base) is enough.
umount "$root/proc"
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/etc/apt/{sources.list,preferences}.d/pcp* "$root"/var/{cache/apt,cache/debconf,lib/apt/lists} \
	"$root"/usr/share/{doc,man,info,locale,bash-completion,zsh} "$root"/usr/lib/*/gconv "$root"/usr/lib/python3*/test \
	"$root/usr/share/perl" "$root"/usr/lib/*/perl
: >"$root/etc/machine-id"

install -m 755 entrypoint.sh "$root/usr/bin/container-entrypoint"
printf 'PMCD_LOCAL=0\n' >>"$root/etc/default/pmcd"
printf 'PMPROXY_LOCAL=0\n' >>"$root/etc/default/pmproxy"

# systemd-sysctl of a privileged container would set the node's fs.protected_*, systemd-modules-load load modules into the node's
# kernel; the rest wants hardware or a terminal. The key server is for a pod of its own, so that PCP can be seen without one, too.
for unit in systemd-sysctl.service systemd-modules-load.service console-getty.service getty.target dev-hugepages.mount systemd-logind.service \
	systemd-remount-fs.service systemd-udevd.service systemd-udev-trigger.service systemd-random-seed.service \
	systemd-pstore.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
	valkey-server.service valkey.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
