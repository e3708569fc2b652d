# Before PCP 7, pmlogger's control port is open on all addresses, so it moves to the loopback address. If this fails, PCP does not start.
(set +u; . /etc/pcp.env; cd "${PCP_SYSCONFIG_DIR:?}"; echo PMLOGGER_LOCAL=1 >>pmlogger; echo PMLOGGER_LOCAL=1 >>pmlogger_farm)
