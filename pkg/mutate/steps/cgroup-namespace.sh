# On a node with cgroup v1, systemd would mount all of its cgroup v2, and set nsdelegate there: a namespace prevents it. PCP starts even without.
test -e /sys/fs/cgroup/cgroup.controllers || ! unshare --cgroup true || exec unshare --cgroup /usr/sbin/init
