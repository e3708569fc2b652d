# A second pmlogger pushes, so the first one archives even if nobody takes what is pushed. PCP starts even if its version cannot push.
version=`pminfo --version 2>&1 | sed 's/.* //'`
if printf '7.0.3\n%s\n' "$version" | sort -VC; then
	interval=$PMLOGGER_INTERVAL
	if [ "$interval" -gt 30 ]; then interval=30; fi
	mkdir -p /etc/systemd/system/pmlogger.service.d
	printf '[Unit]\nWants=pcp-push.service\n' >/etc/systemd/system/pmlogger.service.d/20-push.conf
	cat >/etc/systemd/system/pcp-push.service <<UNIT
[Unit]
Description=Push of archives to another pmproxy
After=pmcd.service pmlogger.service
StartLimitIntervalSec=0
[Service]
User=pcp
Environment=PMLOGGER_LOCAL=1
ExecStart=/usr/bin/env pmlogger -c /var/lib/pcp/config/pmlogger/config.default -t $interval -T 24h -l /run/pcp/push.log $PCP_PUSH_URL
Restart=always
RestartSec=15
UNIT
else
	echo "push.url needs PCP 7.0.3 or later, and this is $version: nothing is pushed" >&2
fi
