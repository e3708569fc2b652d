# pmcd gives up an agent that takes 3 s to start, as those in Python do on a busy node: it waits for a minute. PCP starts even without.
(set +u; . /etc/pcp.env; printf '\n-q 60\n' >>"${PCP_PMCDOPTIONS_PATH:?}") || true
