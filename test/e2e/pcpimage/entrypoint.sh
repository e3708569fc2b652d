#!/bin/bash
# Written for these tests: it honors the contract of upstream's image (build/containers/pcp), whose code it does not share.
# Four variables are read, then systemd, or what the container's args say, takes over as process 1.
set -eu

all=(pmcd pmie pmlogger pmproxy)
wanted=,${PCP_SERVICES:-pmcd,pmie,pmlogger,pmproxy},
host=${HOST_MOUNT:-}

for service in "${all[@]}"; do
	case $wanted in
	*,"$service",*) systemctl --quiet enable "$service" ;;
	# Masked, since another service may want it.
	*) systemctl --quiet mask "$service" ;;
	esac
done

install -d /etc/systemd/system/pmcd.service.d
cat >/etc/systemd/system/pmcd.service.d/10-host_mount.conf <<UNIT
[Service]
Environment="PROC_ACCESS=1"
Environment="PROC_STATSPATH=$host"
UNIT

sed -i "s|^servers *=.*|servers = ${KEY_SERVERS:-localhost:6379}|" /etc/pcp/pmproxy/pmproxy.conf

IFS=, read -ra agents <<<"${PCP_DOMAIN_AGENTS:-}"
for agent in "${agents[@]}"; do
	if [ -d "/var/lib/pcp/pmdas/$agent" ] && ! grep -q "^$agent[[:space:]]" /etc/pcp/pmcd/pmcd.conf; then
		touch "/var/lib/pcp/pmdas/$agent/.NeedInstall"
	fi
done

exec "$@"
