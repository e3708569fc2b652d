package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Author is who wrote a source, which decides what it may read.
type Author int

const (
	// Administrator writes the configuration and may read anything that PCP can, including files in its container.
	Administrator Author = iota
	// PodAuthor annotates a pod and may read over HTTP, except from PCP itself and from the node.
	PodAuthor
)

func (a Author) schemes() []string {
	if a == Administrator {
		return []string{"http", "https", "file"}
	}
	return []string{"http", "https"}
}

// checkURL checks the URL of a source. The errors do not repeat it, because it may hold a password.
func checkURL(raw string, author Author) error {
	if raw == "" {
		return errors.New("must be the exporter's URL, e.g. http://localhost:9100/metrics")
	}
	if err := checkCharacters(raw); err != nil {
		return err
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	if schemes := author.schemes(); !slices.Contains(schemes, scheme) {
		return fmt.Errorf("must be a URL that starts with %s", strings.Join(schemes, "://, ")+"://")
	}
	if strings.ContainsFunc(raw, unicode.IsSpace) {
		return errors.New("the URL must not contain white space")
	}
	if scheme == "file" {
		return checkFilePath(rest)
	}
	if err := checkHost(raw); err != nil || author == Administrator {
		return err
	}
	return checkPodAuthorURL(raw)
}

// checkFilePath checks what follows file://. The agent opens it as it is: no host, no percent-decoding.
func checkFilePath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
		return errors.New("must name a file by its absolute path, e.g. file:///run/metrics.prom")
	}
	return nil
}

func checkHost(raw string) error {
	parsed, err := url.Parse(raw)
	if err != nil {
		return errors.New("the URL cannot be parsed: check its host, its port and its % escapes")
	}
	if parsed.Hostname() == "" {
		return errors.New("the URL must name a host, e.g. http://localhost:9100/metrics")
	}
	port := parsed.Port()
	if number, err := strconv.Atoi(port); port != "" && (err != nil || number < 1 || number > 65535) {
		return errors.New("the port must be between 1 and 65535")
	}
	return nil
}

var userinfo = regexp.MustCompile(`(?s)//.*@`)

// redactURL is the URL for an error message: without user and password, and without the query, which may hold a token.
func redactURL(raw string) string {
	raw, _, query := strings.Cut(userinfo.ReplaceAllString(raw, "//xxxxx@"), "?")
	if query {
		raw += "?xxxxx"
	}
	return raw
}

// The rules for the URLs of a pod's author follow. The agent runs beside root's processes, shows the answers to anyone who may ask PCP, and
// sends headers of the author's choice. A name that resolves to a refused address, or a server that redirects to one, cannot be detected
// here: docs/security.md says what helps.

// podAuthorURL is stricter than any parser, because Go's parser and that of Python's requests, which the agent uses, differ: only the
// latter decodes %6c in a host, for example.
var podAuthorURL = regexp.MustCompile(`^https?://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]*))?(?:[/?#].*)?$`)

// numericHost matches what the C library reads as an IPv4 address (inet_aton(3)), in any number of parts and any base.
var numericHost = regexp.MustCompile(`(?i)^(.*\.)?(0x[0-9a-f]*|\d+)$`)

// metadataServices are the clouds' metadata services that have a name, or an address that is not link-local. A name without dots is what
// the search domain of a cloud's own DNS completes. DigitalOcean, Hetzner, OpenStack and others have a link-local address only.
var metadataServices = map[string]string{
	"metadata":                          "Google Cloud",
	"metadata.google.internal":          "Google Cloud",
	"metadata.goog":                     "Google Cloud",
	"fd20:ce::254":                      "Google Cloud",
	"instance-data":                     "AWS",
	"instance-data.ec2.internal":        "AWS",
	"fd00:ec2::254":                     "AWS",
	"fd00:ec2::23":                      "AWS", // EKS Pod Identity
	"metadata.azure.internal":           "Azure",
	"168.63.129.16":                     "Azure",
	"100.100.100.200":                   "Alibaba Cloud",
	"192.0.0.192":                       "Oracle Cloud",
	"fd00:c1::a9fe:a9fe":                "Oracle Cloud",
	"api.metadata.cloud.ibm.com":        "IBM Cloud",
	"metadata.tencentyun.com":           "Tencent Cloud",
	"fd00:42::42":                       "Scaleway",
	"fd00:a9fe:a9fe::1":                 "Akamai (Linode)",
	"metadata.packet.net":               "Equinix Metal",
	"metadata.platformequinix.com":      "Equinix Metal",
	"100.96.0.96":                       "Volcano Engine",
	"100.80.80.80":                      "UCloud",
	"rancher-metadata":                  "Rancher",
	"rancher-metadata.rancher.internal": "Rancher",
}

// instanceData is the name of AWS's service in each region's private domain.
var instanceData = regexp.MustCompile(`^instance-data\.[a-z0-9-]+\.compute\.internal$`)

// metadataService is the cloud whose metadata service the host is; empty for any other host.
func metadataService(host string) string {
	if instanceData.MatchString(host) {
		return "AWS"
	}
	return metadataServices[host]
}

// embeddings are the ranges of IPv6 whose addresses lead to the IPv4 address that they contain, and where in the 16 bytes it begins: NAT64
// (RFC 6052), 6to4 (RFC 3056), and the deprecated IPv4-compatible form (RFC 4291).
var embeddings = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"):   12,
	netip.MustParsePrefix("64:ff9b:1::/48"): 12,
	netip.MustParsePrefix("2002::/16"):      2,
	netip.MustParsePrefix("::/96"):          12,
}

// embedded is the IPv4 address that an address of IPv6 leads to, or the address itself.
func embedded(address netip.Addr) netip.Addr {
	for prefix, at := range embeddings {
		if prefix.Contains(address) && address.Is6() && !address.IsLoopback() && !address.IsUnspecified() {
			bytes := address.As16()
			return netip.AddrFrom4([4]byte(bytes[at : at+4]))
		}
	}
	return address
}

func checkPodAuthorURL(raw string) error {
	parts := podAuthorURL.FindStringSubmatch(raw)
	if parts == nil {
		return errors.New(`the host must be a name of letters, digits, ".", "-" and "_", an IPv4 address, or an IPv6 address in brackets, with a port in digits`)
	}
	if err := checkPodAuthorPort(parts[2]); err != nil {
		return err
	}
	return checkPodAuthorHost(strings.ToLower(strings.TrimRight(parts[1], ".")))
}

// IsPCPPort reports whether PCP listens on the TCP port. No source may use such a port on any host: the pod's addresses and names are not
// all known before it runs, and PCP would read itself.
func IsPCPPort(port int64) bool {
	return port == PortPMCD || port == PortPMProxy || port == PortPMProxyTLS || port == PortPMLogger
}

func checkPodAuthorPort(port string) error {
	if number, err := strconv.ParseInt(port, 10, 64); err == nil && IsPCPPort(number) {
		return fmt.Errorf("port %d is PCP's own, so PCP would read itself: use the exporter's port, or ask the administrator to add the source", number)
	}
	return nil
}

func checkPodAuthorHost(host string) error {
	const remedy = ", which belongs to the node: ask the administrator to add the source"
	literal := strings.Trim(host, "[]")
	if literal != host || numericHost.MatchString(host) {
		address, err := netip.ParseAddr(literal)
		switch {
		case err != nil:
			return errors.New("an IPv4 address must be written as four decimal numbers without leading zeros, e.g. 10.0.0.1")
		case address.Is4In6():
			return errors.New("the host must be the IPv4 address without ::ffff: before it")
		case embedded(address).IsLinkLocalUnicast():
			return errors.New("the host is a link-local address" + remedy)
		}
		literal = embedded(address).String()
	}
	if cloud := metadataService(literal); cloud != "" {
		return errors.New("the host is the metadata service of " + cloud + remedy)
	}
	return nil
}
