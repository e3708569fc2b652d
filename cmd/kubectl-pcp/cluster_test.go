package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBadInput: input that cannot work gets one clear sentence and an exit code.
func TestBadInput(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"explain", exitUsage, "name an object, as KIND/NAME, or manifests with -f FILE"},
		{"explain node-monitor", exitUsage, `"node-monitor" is not KIND/NAME, e.g. deployment/node-monitor`},
		{"explain service/node-monitor", exitUsage, `unknown kind "service": must be one of pod, deployment,`},
		{"explain deploy/a -f b.yaml", exitUsage, "name an object"},
		{"explain deploy/a -o wide", exitUsage, `unknown output format "wide": must be json or yaml`},
		{"status -o name", exitUsage, `unknown output format "name": must be json, yaml or wide`},
		{"explain deploy/a --kubeconfig " + nowhere, exitInput, "no cluster to ask: "},
		{"explain -f - --kubeconfig " + nowhere, exitInput, "no cluster to ask: "},
		{"explain deploy/a --server http://127.0.0.1:1 --request-timeout 5s", exitInput, "the cluster at http://127.0.0.1:1 cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"status --context nowhere", exitInput, `no cluster to ask: context "nowhere" does not exist`},
		{"status --server http://127.0.0.1:1 --request-timeout 5s --watch", exitInput, "the cluster at http://127.0.0.1:1 cannot be reached: "},
		{"verify --server http://127.0.0.1:1 --request-timeout 5s", exitInput, "--kubeconfig, --context or the variable KUBECONFIG"},
		{"check --server http://127.0.0.1:1 --request-timeout 5s", exitInput, "the cluster at http://127.0.0.1:1 cannot be reached: "},
		{"explain -f testdata/asks.yaml --server http://127.0.0.1:1 --request-timeout 5s", exitInput, "the cluster at http://127.0.0.1:1 cannot be reached: "},
		{"rehearse -f testdata/asks.yaml --server http://127.0.0.1:1 --request-timeout 5s", exitInput, "the cluster at http://127.0.0.1:1 cannot be reached: "},
		{"check --kubeconfig " + nowhere + " --context elsewhere", exitInput, "no cluster to ask: "},
		{"check everything", exitUsage, `check takes no argument such as "everything": it checks all releases, or that of one --namespace`},
		{"check --wait --timeout 0s", exitUsage, "--timeout 0s: must be more than 0"},
		{"verify pod/a", exitUsage, `verify takes no argument such as "pod/a": it compares all pods with PCP, or those of one --namespace`},
		{"status a", exitUsage, `status takes no argument such as "a": it lists`},
		{"inject a.yaml", exitUsage, `inject takes no argument such as "a.yaml": name the manifests with -f FILE`},
		{"uninject a.yaml", exitUsage, "name the manifests with -f FILE"},
		{"explain deployment node-monitor", exitUsage, "write deployment/node-monitor, as one word"},
		{"explain deployment/a deployment/b", exitUsage, "one object at a time: deployment/a and deployment/b are two"},
		{"rehearse", exitUsage, "name an object"},
		{"upgrade a", exitUsage, "--image is required"},
		{"upgrade a --image A", exitUsage, `--image "A" is no reference to an image`},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			got := execute("", strings.Fields(test.args)...)
			if got.code != test.code || !strings.Contains(got.stderr, test.says) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
				t.Errorf("exit code %d, want %d; want one line with %q, got:\n%s%s", got.code, test.code, test.says, got.stderr, got.stdout)
			}
		})
	}
}
