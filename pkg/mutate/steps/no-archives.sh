# From PCP 7 on, pmproxy takes archives from anyone (/logger) and fills its volume: it takes none, or PCP does not start.
printf '\n[pmlogger]\nenabled = false\n' >>/etc/pcp/pmproxy/pmproxy.conf
