# pmcd and pmproxy know no authentication: they listen on the loopback address alone, and PCP starts only if they can be told to.
(set +u; . /etc/pcp.env; cd "${PCP_SYSCONFIG_DIR:?}"; echo PMCD_LOCAL=1 >>pmcd; echo PMPROXY_LOCAL=1 >>pmproxy)
