# A second pmie evaluates the administrator's own rules, in which $webhook is the webhook's URL. PCP starts even if there are none yet.
test -e /var/lib/pcp-files/pmie.rules || echo "the rules of pmie are missing: their ConfigMap or Secret does not exist, or does not have the key" >&2
{ test -z "${PCP_PMIE_WEBHOOK-}" || printf 'webhook = "%s";\n' "$PCP_PMIE_WEBHOOK"; cat /var/lib/pcp-files/pmie.rules || true; } >/etc/pcp-pmie.rules
printf '$version=1.1\nLOCALHOSTNAME n n PCP_LOG_DIR/pmie/LOCALHOSTNAME/rules.log -c /etc/pcp-pmie.rules\n' >/etc/pcp/pmie/control.d/rules
