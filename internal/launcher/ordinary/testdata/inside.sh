# What a pod has, made by hand: inside.sh ROOT LAUNCHER FOLDER. It runs in namespaces of its own, as their first process.
rootfs=$1 launcher=$2 root=$3/root uid=12345
mount --make-rprivate /
ip link set lo up
mkdir "$root"
mount --bind "$rootfs" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc /proc
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/mnt"
cp "$launcher" "$root/mnt/pcp-launcher"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root/run/pcp"
chown "$uid:$uid" "$root/run/pcp"
for volume in pmlogger pmproxy; do mount -t tmpfs -o "uid=$uid,gid=$uid" tmpfs "$root/var/log/pcp/$volume"; done
# A source, the group that archives it, and the accounts that the agent looks up.
mount -t tmpfs tmpfs "$root/var/lib/pcp/pmdas/openmetrics/config.d"
echo file:///mnt/app.txt >"$root/var/lib/pcp/pmdas/openmetrics/config.d/app.url"
echo 'up 1' >"$root/mnt/app.txt"
mount -t tmpfs tmpfs "$root/var/lib/pcp/config/pmlogconf/openmetrics"
printf '#pmlogconf-setup 2.0\nident\tOpenMetrics\nforce\tinclude\ndelta\t1 seconds\n\tpmcd.numagents\n\topenmetrics\n' >"$root/var/lib/pcp/config/pmlogconf/openmetrics/openmetrics"
printf 'root:x:0:0::/:/bin/sh\npcp:x:%d:%d::/:/bin/sh\n' $uid $uid >"$root/mnt/passwd"
printf 'root:x:0:\npcp:x:%d:\n' $uid >"$root/mnt/group"
mount --bind "$root/mnt/passwd" "$root/etc/passwd"
mount --bind "$root/mnt/group" "$root/etc/group"

# The container's environment has what Kubernetes puts there, which must not reach PCP.
in_pod() {
	chroot "$root" setpriv --reuid $uid --regid $uid --clear-groups --bounding-set -all --inh-caps -all --no-new-privs \
		env -i PATH=/usr/bin:/bin PCP_DOMAIN_AGENTS=openmetrics "$@"
}
until_it() { for _ in $(seq 600); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.1; done; echo "never: $*"; false; }
has_source() { in_pod pminfo -h unix: -f openmetrics.app.up | grep -q 'value 1'; }
archives() { in_pod sh -c 'ls /var/log/pcp/pmlogger/*/*.index' | wc -l; }
grown() { [ "$(in_pod sh -c 'cat /var/log/pcp/pmlogger/*/*.0' | wc -c)" -gt "${1:-0}" ]; }

in_pod PMCD_PORT=tcp://10.0.0.1:44321 PCP_CONF=/nowhere /mnt/pcp-launcher supervise --for=v0 --archives-limit=100Mi --archives-interval=1s --openmetrics-archive &
pid=$!
until_it in_pod pminfo -h unix: -f pmcd.version
until_it has_source
echo "source: value 1"
until_it grown 100000
echo "metrics with values: $(in_pod pminfo -f 2>/dev/null | awk '/^[a-z]/ { m = $1 } /^    (value|inst) / { print m }' | sort -u | wc -l)"
state() { curl -s http://127.0.0.1:44324/state; }
echo "state: $(state | grep -c '"running": true') services run"
# Without pmcd, pmlogger ends too, in its own time.
kill -KILL "$(pgrep -x pmcd)"
until_it has_source
echo "after the death of pmcd: answers"
until_it grown 200000
kill -KILL "$(pgrep -x pmlogger)"
two() { [ "$(archives)" -ge 2 ]; }
until_it two
until_it in_pod sh -c 'echo query openmetrics.app.up | pmlc -P | grep -q " on "'
sleep 3
echo "after the death of pmlogger: $(archives) archives"
# The signal that the image names, which the kubelet sends.
kill -37 "$(pgrep -x pcp-launcher)"
code=0
wait $pid || code=$?
echo "exit code $code"
# pmlogger had no time to complete what was killed, but the last one is.
last=$(in_pod sh -c 'ls -t /var/log/pcp/pmlogger/*/*.index' | head -1)
if in_pod pmlogcheck "${last%.index}"; then echo "pmlogcheck: the last archive is complete"; fi
if in_pod pminfo -a "${last%.index}" openmetrics.app.up; then echo "archived: the source"; fi
if ! pgrep -u $uid -l; then echo "left: no process"; fi
