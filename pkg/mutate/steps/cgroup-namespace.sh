# On a node with cgroup v1, systemd would set cgroup v2's option nsdelegate for the whole node: from a namespace it cannot. PCP starts even without.
test -e /sys/fs/cgroup/cgroup.controllers || ! unshare --cgroup true || exec unshare --cgroup /usr/sbin/init
