# On a node with cgroup v1, systemd would set cgroup v2's nsdelegate for the whole node. In a namespace it cannot. PCP starts even if this fails.
test -e /sys/fs/cgroup/cgroup.controllers || ! unshare --cgroup true || exec unshare --cgroup /usr/sbin/init
