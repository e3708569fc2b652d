package pmproxy

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded is a client of a server that gives recorded answers of real PCP's pmproxy, from testdata, without their labels. It is not
// pmproxy: test/e2e asks the real one.
func recorded(t *testing.T, version string) *Client {
	t.Helper()
	return clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		name := "fetch"
		if r.URL.Path == "/pmapi/indom" {
			name = r.URL.Query().Get("name")
		}
		http.ServeFile(w, r, filepath.Join("testdata", version, filepath.Base(name)+".json"))
	})
}

func clientOf(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &Client{server.Client(), server.URL, func() {}}
}

func TestState(t *testing.T) {
	t.Parallel()
	versions, err := os.ReadDir("testdata")
	if err != nil || len(versions) != 2 {
		t.Fatalf("%d versions were recorded (error: %v)", len(versions), err)
	}
	want := []Source{
		{"app", Reachable, ""},
		{"bad", Unreachable, "500 Server Error: Internal Server Error for url: http://localhost:9100/bad"},
		{"gone", Unreachable, "Failed to resolve 'nowhere.invalid' ([Errno -3] Temporary failure in name resolution)"},
		{"grafana", Unreachable, "Failed to establish a new connection: [Errno 111] Connection refused"},
	}
	for _, version := range versions {
		t.Run(version.Name(), func(t *testing.T) {
			t.Parallel()
			state, err := recorded(t, version.Name()).State(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if state.Version != version.Name() || !strings.HasPrefix(state.Archive, "/var/log/pcp/pmlogger/") {
				t.Errorf("the version is %q, the archive %q", state.Version, state.Archive)
			}
			if diff := cmp.Diff(want, state.Sources); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
			if len(state.Agents) < 10 || state.Agents[0].Name == "" || len(state.Failed()) > 0 {
				t.Errorf("the agents are %v", state.Agents)
			}
		})
	}
}

// TestAnswers: anything that is no answer of PCP's gives one clear sentence.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"pmcd down": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"message":"cannot connect to PMCD: Connection refused","success":false}`))
		}, "pmproxy has no answer: cannot connect to PMCD: Connection refused"},
		"not PCP":        {http.NotFound, "pmproxy has no answer: 404 not found"},
		"not JSON":       {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "pmproxy's answer is not one of PCP's: "},
		"nothing in it":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }, "pmproxy does not know pmcd's version"},
		"without an end": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) }, "pmproxy's answer is longer than 4194304 bytes"},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = w.Write([]byte("{"))
		}, "pmproxy's answer is incomplete: "},
		"status no digit": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"values":[{"name":"pmcd.version","instances":[{"instance":null,"value":"7"}]},{"name":"pmcd.agent.status","instances":[{"instance":1,"value":"x"}]}]}`))
		}, `pmcd.agent.status of 1 is "x", which is no number`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := clientOf(t, test.answer).State(t.Context()); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		`error forwarding port 44322 to pod 0123, uid : failed to execute portforward in network namespace "/var/run/netns/cni-1": failed to connect to localhost:44322 inside namespace "0123", IPv4: dial tcp4 127.0.0.1:44322: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found `: "nobody listens on port 44322 in the pod",
		"error forwarding port 44322 to pod 0123, uid : failed to find sandbox\n": "error forwarding port 44322 to pod 0123, uid : failed to find sandbox",
	} {
		if got := reason(said); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}
