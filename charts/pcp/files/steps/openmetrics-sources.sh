# The agent openmetrics learns of its sources when a client asks, and pmlogger asks only for what it knows: somebody asks, or PCP does not start.
mkdir -p /etc/systemd/system/pmlogger.service.d
printf '[Unit]\nWants=pcp-openmetrics.service\n' >/etc/systemd/system/pmlogger.service.d/20-openmetrics.conf
cat >/etc/systemd/system/pcp-openmetrics.service <<'UNIT'
[Unit]
Description=Question for OpenMetrics sources
[Service]
User=pcp
ExecStart=/bin/sh -c 'while sleep 10; do pminfo -f openmetrics.control.status; done >/dev/null 2>&1'
Restart=always
UNIT
