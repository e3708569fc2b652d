# The agent openmetrics trusts one file of CAs, so the image's and the administrator's become one. PCP starts even if one of them is missing.
for file in `python3 -c 'import requests; print(requests.certs.where())'` /var/lib/pcp-files/ca.crt; do cat "$file" || true; echo; done >/var/lib/pcp-openmetrics-ca.pem
printf '[Service]\nEnvironment="REQUESTS_CA_BUNDLE=/var/lib/pcp-openmetrics-ca.pem"\n' >/etc/systemd/system/pmcd.service.d/20-openmetrics-ca.conf
