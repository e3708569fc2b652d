package config_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/performancecopilot/pcp-injector/internal/work"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

func TestSourceName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"node-exporter":         "node_exporter",
		"a.b-c_1":               "a_b_c_1",
		"A":                     "A",
		"controls":              "controls",
		"":                      "",
		"control":               "",
		"1a":                    "",
		"-a":                    "",
		"a/b":                   "",
		"a b":                   "",
		"ä":                     "",
		strings.Repeat("a", 63): strings.Repeat("a", 63),
		strings.Repeat("a", 64): "",
	} {
		got, err := config.SourceName(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: want %q, got %q, %v", name, want, got, err)
		}
	}
}

func TestCheckSourceFile(t *testing.T) {
	t.Parallel()
	const url = "http://localhost:9100/metrics\n"
	for name, c := range map[string]struct{ content, want string }{
		"url alone":            {"http://localhost:9100/metrics", ""},
		"all kinds of lines":   {url + "\n# comment: text\n  \nHEADER: A: b\nHEADER:C:d:e\nFILTER: INCLUDE METRIC a\nMETADATA: a_.* u64 PM_INDOM_NULL counter byte / sec\n", ""},
		"python's look-ahead":  {url + "FILTER: EXCLUDE METRIC (?!up$)\n", ""},
		"empty":                {"", "line 1: must be the exporter's URL, e.g. http://localhost:9100/metrics"},
		"comment first":        {"# comment\n" + url, "line 1: must be a URL that starts with http://, https://\n" + "line 2: " + notALine},
		"blank first":          {"\n" + url, "line 1: must be the exporter's URL, e.g. http://localhost:9100/metrics\nline 2: " + notALine},
		"scheme not allowed":   {"file:///etc/passwd\n", "line 1: must be a URL that starts with http://, https://"},
		"upper-case scheme":    {"HTTP://localhost\n", "line 1: must be a URL that starts with http://, https://"},
		"trailing space":       {"http://localhost/ \n", "line 1: the URL must not contain white space"},
		"carriage returns":     {"http://localhost/\r\n\r\n", "line 1: " + noCR + "\nline 2: " + noCR},
		"control character":    {url + "# \x00\n", "line 2: must not contain control characters"},
		"not UTF-8":            {url + "# \xff\n", "line 2: must be UTF-8"},
		"unknown keyword":      {url + "FILTERS: INCLUDE METRIC a\n", "line 2: " + notALine},
		"lower-case keyword":   {url + "header: A: b\n", "line 2: " + notALine},
		"indented keyword":     {url + " HEADER: A: b\n", "line 2: " + notALine},
		"header without value": {url + "HEADER: Bearer secret\n", `line 2: must be "HEADER: <name>: <value>"`},
		"header's name":        {url + "HEADER: a b: secret\n", "line 2: the name of the header must consist of letters, digits and !#$%&'*+.^_`|~-"},
		"header's value":       {url + "HEADER: A: sécret\n", "line 2: the value of header A must be printable ASCII on one line"},
		"header twice":         {url + "HEADER: A: b\n\nHEADER: a: c\n", "line 4: header a is already set on line 2"},
		"filter's regex":       {url + "FILTER: INCLUDE METRIC\n", "line 2: " + filterForm},
		"filter's colon":       {url + "FILTER: INCLUDE METRIC a:b\n", `line 2: the regular expression must not contain ":", because the agent cuts it off there: use "." instead`},
		"optional metric":      {url + "FILTER: OPTIONAL METRIC a\n", "line 2: OPTIONAL applies to labels only: the agent drops the metrics that match it"},
		"metadata's spaces":    {url + "METADATA:  a u64 PM_INDOM_NULL counter none\n", "line 2: " + metadataForm},
		"metadata's units":     {url + "METADATA: a u64 PM_INDOM_NULL counter\n", "line 2: " + metadataForm},
		"metadata's type":      {url + "METADATA: a int PM_INDOM_NULL counter none\n", "line 2: the type must be one of double, float, u64, 64, u32, 32"},
		"metadata's semantics": {url + "METADATA: a u64 PM_INDOM_NULL gauge none\n", "line 2: the semantics must be one of counter, instant, discrete"},
		"metadata's regex":     {url + "METADATA: (a u64 PM_INDOM_NULL counter none\n", `line 2: "(a" is not a regular expression: missing closing )`},
		"hostile regex":        {url + "FILTER: INCLUDE METRIC (a+)+$\nMETADATA: (a+)+$ u64 PM_INDOM_NULL counter none\n", "line 2: " + years + "\nline 3: " + years},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := errors.Join(config.CheckSourceFile(c.content, config.PodAuthor, work.NewBudget(1<<20))...)
			if got := message(err); got != c.want {
				t.Errorf("want %q\ngot  %q", c.want, got)
			}
			if strings.Contains(message(err), "secret") || strings.Contains(message(err), "sécret") {
				t.Errorf("%v shows a header's value", err)
			}
		})
	}
}

// TestPodAuthorURL: what a pod's author may have PCP read, in every notation that the agent's libraries understand.
func TestPodAuthorURL(t *testing.T) {
	t.Parallel()
	const (
		host      = `the host must be a name of letters, digits, ".", "-" and "_"`
		parsed    = "the URL cannot be parsed"
		ports     = "is PCP's own, so PCP would read itself"
		decimals  = "an IPv4 address must be written as four decimal numbers"
		linkLocal = "the host is a link-local address"
		metadata  = "the host is the metadata service of "
	)
	for url, want := range map[string]string{
		"http://localhost:9100/metrics":               "",
		"https://exporter.monitoring.svc/metrics":     "",
		"http://127.0.0.1:8080":                       "",
		"http://[::1]:9100/?name=a&x=localhost:44322": "",
		"http://user:s3cret@10.1.2.3:80/#fragment":    "",
		"http://a_b-c.example.:443":                   "",
		"http://169.253.255.255/":                     "",
		"http://[fd00::1]/":                           "",
		"http://1e3/":                                 "",
		"http://localhost:/metrics":                   "",

		"http://localhost:44321":                 ports,
		"http://localhost:44322/pmapi/store?a=b": ports,
		"http://localhost:44322/metrics":         ports,
		"https://localhost:44323":                ports,
		"http://localhost:4330":                  ports,
		"http://LOCALHOST.:44322":                ports,
		"http://a:b@localhost:044322":            ports,
		"http://127.9.9.9:44322":                 ports,
		"http://0.0.0.0:44322":                   ports,
		"http://[::]:44322":                      ports,
		"http://[::ffff:127.0.0.1]:44322":        ports,
		"http://node-monitor-pcp:44322":          ports,
		"http://10.0.0.7:44322":                  ports,

		"http://%6cocalhost:44322/":        parsed,
		"http://localhost:44322\\@a/":      parsed,
		"http://a\\@localhost:44322/":      parsed,
		"http://ｌocalhost:44322/":          host,
		"http://127。0。0。1:44322/":          host,
		"http://a@b@localhost:44322/":      host,
		"http://localhost:9100@[::1]:80/x": "",
		"http://[fe80::1%25eth0]/":         host,
		"http://a:b:44322/":                parsed,

		"http://2130706433/":       decimals,
		"http://0x7f000001/":       decimals,
		"http://0x7F.1/":           decimals,
		"http://017700000001/":     decimals,
		"http://127.1/":            decimals,
		"http://0251.0376.169.254": decimals,
		"http://0/":                decimals,
		"http://169.254.169.0xfe/": decimals,
		"http://2852039166./":      decimals,

		"http://169.254.169.254/latest/meta-data/": linkLocal,
		"http://169.254.169.254./":                 linkLocal,
		"http://169.254.20.10:9253/metrics":        linkLocal,
		"http://[FE80::1]/":                        linkLocal,
		"http://[febf:0::1]/":                      linkLocal,
		"http://[::ffff:169.254.169.254]/":         "the host must be the IPv4 address",
		"http://[::ffff:a9fe:a9fe]/":               "the host must be the IPv4 address",
		"http://[1.2.3.4]/":                        parsed,
		"http://[::1::]/":                          parsed,

		"http://Metadata.Google.Internal./computeMetadata/v1/": metadata + "Google Cloud",
		"http://metadata.goog":                                 metadata + "Google Cloud",
		"http://[fd00:ec2::254]/latest":                        metadata + "AWS",
		"http://[FD00:0EC2:0:0::254]/latest":                   metadata + "AWS",
		"http://168.63.129.16/":                                metadata + "Azure",
		"http://metadata/":                                     metadata + "Google Cloud",
		"http://[fd20:ce:0::254]/":                             metadata + "Google Cloud",
		"http://instance-data./latest":                         metadata + "AWS",
		"http://Instance-Data.eu-central-1.compute.internal/":  metadata + "AWS",
		"http://[fd00:ec2::23]/v1/credentials":                 metadata + "AWS",
		"http://100.100.100.200/":                              metadata + "Alibaba Cloud",
		"http://192.0.0.192/":                                  metadata + "Oracle Cloud",
		"http://[fd00:c1::a9fe:a9fe]/opc/v2/":                  metadata + "Oracle Cloud",
		"http://[fd00:c1::169.254.169.254]/opc/v2/":            metadata + "Oracle Cloud",
		"https://api.metadata.cloud.ibm.com/":                  metadata + "IBM Cloud",
		"http://metadata.tencentyun.com/":                      metadata + "Tencent Cloud",
		"http://169.254.0.23/":                                 linkLocal, // Tencent Cloud
		"http://169.254.42.42/":                                linkLocal, // Scaleway
		"http://[fd00:42::42]/":                                metadata + "Scaleway",
		"http://[fd00:a9fe:a9fe::1]/":                          metadata + "Akamai",
		"https://metadata.platformequinix.com/":                metadata + "Equinix Metal",
		"http://100.96.0.96/":                                  metadata + "Volcano Engine",
		"http://[fe80::a9fe:a9fe]/openstack":                   linkLocal,
		"http://[64:ff9b::169.254.169.254]/":                   linkLocal,
		"http://[64:ff9b::a83f:8110]/":                         metadata + "Azure",
		"http://[2002:a9fe:a9fe::1]/":                          linkLocal,
		"http://[::169.254.169.254]/":                          linkLocal,
		"http://[64:ff9b::10.0.0.1]/":                          "",
		"http://metadata.monitoring.svc/":                      "",
		"http://instance-data.monitoring.svc/":                 "",
	} {
		err := message(errors.Join(config.CheckSourceFile(url+"\n", config.PodAuthor, work.NewBudget(1<<20))...))
		if want == "" && err != "" || !strings.HasPrefix(err, "line 1: ") && want != "" || !strings.Contains(err, want) {
			t.Errorf("%s: want %q, got %q", url, want, err)
		}
	}
	for _, free := range []string{"http://localhost:44322/metrics", "http://169.254.20.10:9253/metrics", "file:///run/metrics.prom"} {
		if problems := config.CheckSourceFile(free, config.Administrator, work.NewBudget(1<<20)); len(problems) > 0 {
			t.Errorf("the administrator may not read %s: %v", free, problems)
		}
	}
}

// TestEffort: expressions that could take Python too long are refused, however they are written, and usual ones are not. TestPCPChart
// checks the same expressions with real Python.
func TestEffort(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "expressions.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	expressions := map[string][]string{}
	for _, file := range archive.Files {
		expressions[file.Name] = strings.Fields(string(file.Data))
	}
	refused := slices.Concat(expressions["slow"], []string{"(?i)a", "(a+)(?#comment)+", "(?x)(a+)", "(?(1)a|b)", "(?>a)", ".*a.*b.*c.*", "a?b.*c.*d.*", "(a|b).*c.*d.*"})
	for allowed, list := range map[bool][]string{true: expressions["quick"], false: refused} {
		if len(list) < 5 {
			t.Errorf("there are only %d expressions", len(list))
		}
		for _, expr := range list {
			problems := config.CheckSourceFile("http://localhost/\nFILTER: INCLUDE METRIC "+expr, config.PodAuthor, work.NewBudget(1<<20))
			if allowed != (len(problems) == 0) {
				t.Errorf("%s: allowed: %t, want %t: %v", expr, len(problems) == 0, allowed, problems)
			}
		}
	}
}

const (
	years        = `"(a+)+$" repeats a group, which the agent could need years to match: repeat a character or a class instead`
	notALine     = `must be blank, a comment (#), or start with "HEADER:", "FILTER:" or "METADATA:"`
	noCR         = "must not contain a carriage return: lines end with a line feed only"
	filterForm   = `must be "INCLUDE METRIC <regex>", "EXCLUDE METRIC <regex>", "INCLUDE LABEL <regex>", "EXCLUDE LABEL <regex>" or "OPTIONAL LABEL <regex>"`
	metadataForm = `must be "METADATA: <regex> <type> <indom> <semantics> <units>", separated by single spaces`
)

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestEndpointFile(t *testing.T) {
	t.Parallel()
	endpoint := config.Endpoint{
		URL:     "http://localhost:9100/metrics",
		Headers: map[string]string{"X-B": "2: 3", "X-A": "1"},
		Filters: []string{"INCLUDE METRIC node_.*", "EXCLUDE METRIC .*"},
	}
	const want = "http://localhost:9100/metrics\nHEADER: X-A: 1\nHEADER: X-B: 2: 3\nFILTER: INCLUDE METRIC node_.*\nFILTER: EXCLUDE METRIC .*\n"
	if got := endpoint.File(); got != want {
		t.Errorf("want %q, got %q", want, got)
	}
}

type agentsView struct {
	url     string
	headers map[string]string
	filters []string
}

// readAsAgent does what the agent's parse_url_config does.
func readAsAgent(content string) agentsView {
	lines := strings.Split(strings.TrimSpace(content), "\n")
	view := agentsView{url: lines[0], headers: map[string]string{}}
	for _, line := range lines[1:] {
		parts := strings.SplitN(line, ":", 3)
		switch parts[0] {
		case "HEADER":
			view.headers[strings.Join(strings.Fields(parts[1]), "")] = strings.TrimLeft(strings.Join(parts[2:], " "), " \t")
		case "FILTER":
			view.filters = append(view.filters, strings.TrimLeft(parts[1], " \t"))
		}
	}
	return view
}
