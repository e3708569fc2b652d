# pmlogger's control port is open on all addresses before PCP 7: it moves to the loopback address, or PCP does not start.
(set +u; . /etc/pcp.env; cd "${PCP_SYSCONFIG_DIR:?}"; echo PMLOGGER_LOCAL=1 >>pmlogger; echo PMLOGGER_LOCAL=1 >>pmlogger_farm)
