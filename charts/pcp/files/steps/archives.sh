# Archives must not fill their volume: pmlogger starts a new one at a tenth of the limit, and the oldest go. If this fails, PCP does not start.
cat >/usr/lib/pcp-archives.sh <<'SCRIPT'
cd /var/log/pcp/pmlogger || exit
free=`df -Pk . | awk 'END { print $4 }'`
since=`date -d "-$DAYS days" +%s`
find ".${SHARED:+/`uname -n`}" -name lost+found -prune -o -type f \( -regex '[A-Za-z0-9._/-]*' -printf '%T@ %k %p\n' -o -printf '%T@ %k\n' \) 2>/dev/null | sort -rn |
	awk -v given="${KIB:-0}" -v free="$free" -v since="$since" -v task="$1" '
		NF != 3 || $3 !~ /^\.\/([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*20[0-9][0-9][0-9][0-9][0-9][0-9][0-9.-]*\.(meta|index|[0-9]+)(\.[a-z][a-z0-9]*)?$/ {
			others += $2
			if ($3 ~ /^\.\/([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*pmlogger\.log[a-z.]*$/) texts[$3] = $2
			next
		}
		{ archive = $3; if (!sub(/\.(meta|index)(\.[a-z][a-z0-9]*)?$/, "", archive)) sub(/\.[0-9]+(\.[a-z][a-z0-9]*)?$/, "", archive) }
		!(archive in kib) { archives[++n] = archive; written[archive] = $1 }
		{ all += $2; kib[archive] += $2; files[archive] = files[archive] $3 "\n" }
		END {
			limit = (all + others + free) * 0.8
			if (given > 0 && given < limit) limit = given
			part = limit / 10 > 1024 ? limit / 10 : 1024
			if (task == "part") { printf "%d\n", part; exit }
			for (text in texts) if (texts[text] > part) printf "" >text
			sum = others + (task == "start" ? 2 * part : 0)
			for (i = 1; i <= n; i++) {
				sum += kib[archives[i]]
				if (i > 1 && (sum > limit || written[archives[i]] < since)) printf "%s", files[archives[i]]
			}
			if (task == "watch" && n && kib[archives[1]] > 2 * part) system("kill -s TERM `cat /run/pcp/pmlogger.pid`")
		}' |
	if [ "$1" = part ]; then cat; else xargs -r rm -fv --; fi
SCRIPT
part=`KIB=${ARCHIVES_KIB-} DAYS=$ARCHIVES_DAYS sh /usr/lib/pcp-archives.sh part`
sed -i "s/^LOCALHOSTNAME[[:space:]].*/& -s ${part}kb/" /etc/pcp/pmlogger/control.d/local
grep -q "^LOCALHOSTNAME.* -s [1-9][0-9]*kb$" /etc/pcp/pmlogger/control.d/local
(set +u; . /etc/pcp.env; echo "PMLOGGER_INTERVAL=$PMLOGGER_INTERVAL" >>"${PCP_SYSCONFIG_DIR:?}/pmlogger")
mkdir -p /etc/systemd/system/pmlogger.service.d /etc/systemd/system/pmlogger_daily.service.d
cat >/etc/systemd/system/pmlogger.service.d/20-archives.conf <<UNIT
[Unit]
Wants=pcp-archives.service
StartLimitIntervalSec=0
[Service]
Environment=KIB=${ARCHIVES_KIB-} DAYS=$ARCHIVES_DAYS SHARED=${ARCHIVES_SHARED-}
ExecStartPre=-/bin/sh /usr/lib/pcp-archives.sh start
UNIT
cat >/etc/systemd/system/pcp-archives.service <<UNIT
[Unit]
Description=Removal of the oldest archives
[Service]
User=pcp
Environment=KIB=${ARCHIVES_KIB-} DAYS=$ARCHIVES_DAYS SHARED=${ARCHIVES_SHARED-}
ExecStart=/bin/sh -c 'while sleep 10; do sh /usr/lib/pcp-archives.sh watch; done'
Restart=always
UNIT
printf '[Service]\nEnvironment="PMLOGGER_DAILY_PARAMS=-E -M -k forever"\n' >/etc/systemd/system/pmlogger_daily.service.d/20-archives.conf
