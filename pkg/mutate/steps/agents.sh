# pmcd gives up on an agent after 3 s, but those in Python take longer on a busy node, so it waits a minute. PCP starts even if this fails.
(set +u; . /etc/pcp.env; printf '\n-q 60\n' >>"${PCP_PMCDOPTIONS_PATH:?}") || true
