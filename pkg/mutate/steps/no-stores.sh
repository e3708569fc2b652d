# pmproxy stores values for anyone (/pmapi/store), as it is local to pmcd: pmcd stores none for local clients, or PCP does not start.
sed -i 's/^allow "local:\*" : all;/disallow "local:*" : store;/' /etc/pcp/pmcd/pmcd.conf
grep -q '^disallow "local:\*" : store;' /etc/pcp/pmcd/pmcd.conf
