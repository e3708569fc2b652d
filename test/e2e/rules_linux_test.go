package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the administrator adds to a monitor's pmie, as YAML that the injector's configuration and the values of charts/pcp share. WEBHOOK is replaced.
const monitorRules = "pmie: {rules: {configMap: rules}, stockRules: [memory.swap_low, no.such_rule], webhook: WEBHOOK}"

// ownRules: one rule always holds, one when pmcd has many clients.
const ownRules = `delta = 5 sec;
always = hinv.ncpu > 0 -> shell 5 sec "pmie_webhook '$webhook|always|%h|%v CPUs'";
crowd = pmcd.numclients > 15 -> shell 5 sec "pmie_webhook '$webhook|crowd|%h|%v clients'";
`

// receiver keeps what is posted, and answers a GET with all of it.
const receiver = `
import http.server, signal, sys
signal.signal(signal.SIGRTMIN + 3, lambda *_: sys.exit(0))
posts = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        posts.append(self.rfile.read(int(self.headers["Content-Length"])).replace(b"\n", b""))
        self.send_response(204)
        self.end_headers()
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"\n".join(posts))
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
`

// webhookURL leads to the receiver.
const webhookURL = "http://receiver:8080/pcp"

// createReceiver makes the receiver, the rules, and a Secret with the receiver's URL.
func (s *scene) createReceiver() {
	s.t.Helper()
	s.create(runs("receiver", "python3", "-c", receiver))
	s.createService("receiver", 8080)
	s.createConfigMap("rules", "rules", ownRules)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "on-call"}, StringData: map[string]string{"url": webhookURL}}
	if _, err := s.client.CoreV1().Secrets(s.namespace).Create(s.t.Context(), secret, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// call is what pmie_webhook posts.
type call struct {
	PCP struct {
		PMIE struct{ Rule, Hostname, Message string }
	}
}

// called returns the messages of the calls for a rule.
func (s *scene) called(rule string) (messages []string, err error) {
	output, err := s.ask("python3", "-c", "import urllib.request; print(urllib.request.urlopen('"+webhookURL+"', timeout=10).read().decode())")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(strings.TrimSpace(output)) {
		var c call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			return nil, fmt.Errorf("not JSON: %q: %w", line, err)
		}
		if c.PCP.PMIE.Rule == rule {
			messages = append(messages, c.PCP.PMIE.Hostname+": "+c.PCP.PMIE.Message)
		}
	}
	return messages, nil
}

// rules: a rule that holds calls the receiver, one that does not yet hold calls it when it does; the stock rules would call it, too, and the one that was
// named is among them.
func (m *monitor) rules(t *testing.T) {
	t.Helper()
	m.awaitCall(t, "always", " CPUs")
	if messages, err := m.called("crowd"); err != nil || len(messages) > 0 {
		t.Errorf("pmie called about a crowd that is not there: %q (error: %v)", messages, err)
	}
	const crowd = `for client in $(seq 20); do timeout 60 pmval -h "$0" -t 1 kernel.all.load >/dev/null 2>&1 & done`
	if _, err := m.ask("sh", "-c", crowd, m.pod.Status.PodIP); err != nil {
		t.Fatal(err)
	}
	m.awaitCall(t, "crowd", " clients")
	output, err := m.pcp("cat", "/var/lib/pcp/config/pmie/config.default")
	for _, want := range []string{"\nmemory.swap_low = ", "\ncpu.load_average = ", "pmie_webhook '" + webhookURL + "|"} {
		if err != nil || !strings.Contains(output, want) {
			t.Errorf("the stock rules have no %q (error: %v): %s", want, err, output)
		}
	}
	if log, err := m.kubectl(t.Context(), "logs", m.pod.Name, "--container", "pcp"); err != nil || !strings.Contains(log, "no.such_rule") {
		t.Errorf("the container's log does not name the stock rule that there is not (error: %v): %s", err, log)
	}
}

func (m *monitor) awaitCall(t *testing.T, rule, want string) {
	t.Helper()
	eventually(t, metricLimit, "a call of the rule "+rule, func() error {
		messages, err := m.called(rule)
		if err == nil && (len(messages) == 0 || !strings.HasSuffix(messages[0], want)) {
			err = fmt.Errorf("the calls are %q, want one with %q", messages, want)
		}
		return err
	})
}
