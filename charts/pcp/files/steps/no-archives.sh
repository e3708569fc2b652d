# From PCP 7 on, pmproxy would take archives from anyone (/logger), which could fill its volume. If this cannot be prevented, PCP does not start.
printf '\n[pmlogger]\nenabled = false\n' >>/etc/pcp/pmproxy/pmproxy.conf
