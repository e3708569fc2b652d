# The agent openmetrics learns of sources when asked, but pmlogger asks only for what it knows, so a service asks. If this fails, PCP does not start.
cat >/usr/lib/pcp-openmetrics.sh <<'SCRIPT'
. /etc/pcp.env
while sleep 10; do
  pminfo -f openmetrics.control.status
  # When an agent announces new metrics, pmlogger looks for them once, even if it finds none. The agent mmv announces them again.
  if echo query openmetrics | pmlc -P | grep -Eq '^ +(adv|mand) +off'; then
    touch "$PCP_TMP_DIR/mmv/announced" && rm "$PCP_TMP_DIR/mmv/announced" && pminfo -f mmv.control.files
  fi
done >/dev/null 2>&1
SCRIPT
mkdir -p /etc/systemd/system/pmlogger.service.d
printf '[Unit]\nWants=pcp-openmetrics.service\n' >/etc/systemd/system/pmlogger.service.d/20-openmetrics.conf
cat >/etc/systemd/system/pcp-openmetrics.service <<'UNIT'
[Unit]
Description=Question for OpenMetrics sources
[Service]
User=pcp
ExecStart=/bin/sh /usr/lib/pcp-openmetrics.sh
Restart=always
UNIT
