# pmcd and pmproxy have no authentication, so they listen on the loopback address alone. If this fails, PCP does not start.
(set +u; . /etc/pcp.env; cd "${PCP_SYSCONFIG_DIR:?}"; echo PMCD_LOCAL=1 >>pmcd; echo PMPROXY_LOCAL=1 >>pmproxy)
