# Archives that others push must not fill their volume: at 80 % of its space, the oldest make room, and only they. If this fails, PCP does not start.
cat >/usr/lib/pcp-received.sh <<'SCRIPT'
cd /var/log/pcp/pmproxy || exit
free=`df -Pk . | awk 'END { print $4 }'`
find . -mindepth 2 -type f \( -regex '[A-Za-z0-9._/-]*' -printf '%T@ %k %p\n' -o -printf '%T@ %k\n' \) 2>/dev/null | sort -rn |
	awk -v free="$free" '
		NF != 3 || $3 !~ /^\.\/([A-Za-z0-9_-][A-Za-z0-9._-]*\/)+20[0-9][0-9][0-9][0-9][0-9][0-9][0-9.-]*\.(meta|index|[0-9]+)(\.[a-z][a-z0-9]*)?$/ {
			others += $2
			next
		}
		{ archive = $3; if (!sub(/\.(meta|index)(\.[a-z][a-z0-9]*)?$/, "", archive)) sub(/\.[0-9]+(\.[a-z][a-z0-9]*)?$/, "", archive) }
		!(archive in kib) { archives[++n] = archive }
		{ all += $2; kib[archive] += $2; files[archive] = files[archive] $3 "\n" }
		END {
			sum = others
			for (i = 1; i <= n; i++) if ((sum += kib[archives[i]]) > (all + others + free) * 0.8) printf "%s", files[archives[i]]
		}' |
	xargs -r rm -fv --
SCRIPT
mkdir -p /etc/systemd/system/pmproxy.service.d
printf '[Unit]\nWants=pcp-received.service\n' >/etc/systemd/system/pmproxy.service.d/20-received.conf
cat >/etc/systemd/system/pcp-received.service <<'UNIT'
[Unit]
Description=Removal of the oldest archives of others
[Service]
User=pcp
ExecStart=/bin/sh -c 'while sleep 10; do sh /usr/lib/pcp-received.sh; done'
Restart=always
UNIT
