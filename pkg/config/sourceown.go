package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// What a pod's author may have PCP read. The agent is not the pod's: it runs beside root, its answers go to whoever may ask PCP,
// and its headers are the author's. A name that resolves to such an address, or a server that redirects there, cannot be seen here:
// docs/security.md says what helps.

// ownURL is stricter than any parser, since Go's and that of the agent, Python's requests, differ: the latter decodes %6c in a
// host, for one.
var ownURL = regexp.MustCompile(`^https?://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]*))?(?:[/?#].*)?$`)

// numericHost is what the C library takes for an IPv4 address (inet_aton(3)), in as many parts and bases as it knows.
var numericHost = regexp.MustCompile(`(?i)^(.*\.)?(0x[0-9a-f]*|\d+)$`)

// metadataServices are those of clouds that have a name, or whose address is not link-local.
var metadataServices = map[string]string{
	"metadata.google.internal":   "Google Cloud",
	"metadata.goog":              "Google Cloud",
	"fd20:ce::254":               "Google Cloud",
	"instance-data.ec2.internal": "AWS",
	"fd00:ec2::254":              "AWS",
	"168.63.129.16":              "Azure",
	"100.100.100.200":            "Alibaba Cloud",
}

func checkOwnURL(raw string) error {
	parts := ownURL.FindStringSubmatch(raw)
	if parts == nil {
		return errors.New(`the host must be a name of letters, digits, ".", "-" and "_", an IPv4 address, or an IPv6 address in brackets, with a port in digits`)
	}
	if err := checkOwnPort(parts[2]); err != nil {
		return err
	}
	return checkOwnHost(strings.ToLower(strings.TrimRight(parts[1], ".")))
}

// IsPCPPort says whether PCP listens on the TCP port. It is no source on any host: the pod has more addresses and names than
// anybody knows before it runs, and PCP would read itself.
func IsPCPPort(port int64) bool {
	return port == PortPMCD || port == PortPMProxy || port == PortPMProxyTLS || port == PortPMLogger
}

func checkOwnPort(port string) error {
	if number, err := strconv.ParseInt(port, 10, 64); err == nil && IsPCPPort(number) {
		return fmt.Errorf("port %d is PCP's own, which would read itself: name the exporter's port, or have the administrator add the source", number)
	}
	return nil
}

func checkOwnHost(host string) error {
	const remedy = ", which is the node's: have the administrator add the source"
	literal := strings.Trim(host, "[]")
	if literal != host || numericHost.MatchString(host) {
		address, err := netip.ParseAddr(literal)
		switch {
		case err != nil:
			return errors.New("an IPv4 address must be written as four decimal numbers without leading zeros, e.g. 10.0.0.1")
		case address.Is4In6():
			return errors.New("the host must be the IPv4 address without ::ffff: before it")
		case address.IsLinkLocalUnicast():
			return errors.New("the host is a link-local address" + remedy)
		}
		literal = address.String()
	}
	if cloud, isMetadata := metadataServices[literal]; isMetadata {
		return errors.New("the host is the metadata service of " + cloud + remedy)
	}
	return nil
}
