# Some sources are archived more often. The first group with a source decides, so these come before openmetrics. If this fails, PCP does not start.
mkdir -p /var/lib/pcp/config/pmlogconf/exporters
for source in $PCP_OPENMETRICS_INTERVALS; do
	printf '#pmlogconf-setup 2.0\nident\tOpenMetrics source %s\nforce\tinclude\ndelta\t%s seconds\n\tpmcd.numagents\n\topenmetrics.%s\n' "${source%=*}" "${source#*=}" "${source%=*}" \
		>"/var/lib/pcp/config/pmlogconf/exporters/${source%=*}"
done
