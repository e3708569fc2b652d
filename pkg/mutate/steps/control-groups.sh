# PCP prepends HOST_MOUNT to control groups' paths that already have it, so PROC_STATSPATH has both forms. If this fails, PCP does not start.
mkdir -p "/var/lib/pcp-host${HOST_MOUNT%/*}" && ln -s "$HOST_MOUNT/proc" "$HOST_MOUNT/sys" /var/lib/pcp-host && ln -s "$HOST_MOUNT" "/var/lib/pcp-host$HOST_MOUNT"
printf '[Service]\nEnvironment="PROC_STATSPATH=/var/lib/pcp-host"\n' >/etc/systemd/system/pmcd.service.d/20-control-groups.conf
