# pmproxy would store values for anyone (/pmapi/store), so pmcd stores none for local clients such as pmproxy. If this fails, PCP does not start.
sed -i 's/^allow "local:\*" : all;/disallow "local:*" : store;/' /etc/pcp/pmcd/pmcd.conf
grep -q '^disallow "local:\*" : store;' /etc/pcp/pmcd/pmcd.conf
