# pmie's stock rules call the administrator's webhook through a shell. PCP does not start if the URL has characters that a shell interprets.
case ${PCP_PMIE_WEBHOOK-} in
'') echo "pmie calls no webhook: its Secret does not exist, or does not have the key" >&2 ;;
*[!A-Za-z0-9._~:/?=@,+-]*) echo "the URL of pmie's webhook must consist of letters, digits and . _ ~ : / ? = @ , + -" >&2; exit 1 ;;
http://?*|https://?*)
	pmieconf -cf /var/lib/pcp/config/pmie/config.default modify global webhook_endpoint "$PCP_PMIE_WEBHOOK"
	pmieconf -cf /var/lib/pcp/config/pmie/config.default modify global webhook_action yes
	chown pcp:pcp /var/lib/pcp/config/pmie/config.default ;;
*) echo "the URL of pmie's webhook must start with http:// or https://" >&2; exit 1 ;;
esac
