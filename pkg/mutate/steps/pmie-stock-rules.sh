# pmie's stock rules are switched on by name. PCP starts even if the image does not have one of them.
for rule in $PCP_PMIE_STOCK_RULES; do pmieconf -cf /var/lib/pcp/config/pmie/config.default enable "$rule" || true; done
chown pcp:pcp /var/lib/pcp/config/pmie/config.default || true
