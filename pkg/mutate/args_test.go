package mutate_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// Together, the pods of these configurations run all steps.
var configurations = []string{
	"", "container: {listen: Loopback}", "hostMonitoring: {enabled: true}",
	"container: {acceptArchives: true}\npush: {url: 'http://a:1'}",
	"container: {files: [{path: /etc/pcp/a, configMap: a}]}\nopenMetrics: {caBundle: {configMap: a}, intervals: {a: 1}}\npmie: {rules: {configMap: a}, stockRules: [a], webhook: {url: 'http://a'}}",
}

// TestSteps: each step says why in its first line, is valid for the shell that runs it, and is run by some pod.
func TestSteps(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("steps", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no steps: %v", err)
	}
	var scripts strings.Builder
	for _, configuration := range configurations {
		scripts.WriteString(scriptOf(t, configuration))
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		if !regexp.MustCompile(`^# [^\n]{20,150}\n([^#\n][^\n]*\n)+$`).MatchString(text) {
			t.Errorf("%s: a step is one line of comment that says why, and commands, each on a line: %q", file, text)
		}
		if strings.Contains(text, "$(") {
			t.Errorf("%s: the kubelet looks for variables in what is in $(…): use a subshell", file)
		}
		if output, err := exec.CommandContext(t.Context(), "sh", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", file, err, output)
		}
		if !strings.Contains(scripts.String(), text) {
			t.Errorf("%s: no configuration has it run", file)
		}
	}
}

// TestWebhookOfASecret: pmie calls the URL through a shell, so the step refuses one that is more than a URL to a shell. pmieconf and chown
// are replaced here; the tests with real PCP run them.
func TestWebhookOfASecret(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                               "does not have the key",
		"https://alerts.example.com/a-b": "pmieconf -cf /var/lib/pcp/config/pmie/config.default modify global webhook_endpoint https://alerts.example.com/a-b\n",
		"http://receiver:8080/?team=a":   "webhook_endpoint http://receiver:8080/?team=a\n",
		"ftp://a":                        "must start with",
		"https://":                       "must start with",
		"https://a/';id;'":               "must consist of",
		"https://a/$(id)":                "must consist of",
		"https://a/`id`":                 "must consist of",
		"https://a/|id":                  "must consist of",
		"https://a/?b=c&d=e":             "must consist of",
		"https://a/%hook":                "must consist of",
		"https://a/ b":                   "must consist of",
		"https://a/\nb":                  "must consist of",
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", `pmieconf() { echo pmieconf "$@"; }; chown() { :; }; . "$0"; echo started`, filepath.Join("steps", "pmie-webhook.sh"))
		cmd.Env = append(os.Environ(), "PCP_PMIE_WEBHOOK="+url)
		output, err := cmd.CombinedOutput()
		if !strings.Contains(string(output), want) {
			t.Errorf("%q: got %q, want %q", url, output, want)
		}
		if stopped := strings.HasPrefix(want, "must"); stopped != (err != nil) || stopped == strings.HasSuffix(string(output), "started\n") {
			t.Errorf("%q: PCP starts or not, against what is wanted (error: %v): %s", url, err, output)
		}
	}
}

// TestDesignShowsArgs: docs/design.md shows what the container runs, word for word.
func TestDesignShowsArgs(t *testing.T) {
	t.Parallel()
	design, err := os.ReadFile(filepath.Join("..", "..", "docs", "design.md"))
	if err != nil {
		t.Fatal(err)
	}
	if script := scriptOf(t, ""); !strings.Contains(string(design), "```sh\n"+script+"```\n") {
		t.Errorf("docs/design.md does not show the script of the container's args:\n%s", script)
	}
}

// scriptOf is what the PCP container runs with a configuration.
func scriptOf(t *testing.T, configuration string) string {
	t.Helper()
	pod := toJSON(t, "metadata: {name: node-monitor, annotations: {pcp.io/inject: 'true'}}\nspec: {containers: [{name: app, image: app}]}\n")
	decision := decide(t, newInjector(t, "target: {kind: Pod}\n"+configuration), pod, "")
	var patched corev1.Pod
	if err := yaml.Unmarshal(apply(t, pod, decision.Patch), &patched); err != nil {
		t.Fatal(err)
	}
	for _, container := range patched.Spec.Containers {
		if container.Name == "pcp" {
			return container.Args[len(container.Args)-1]
		}
	}
	t.Fatalf("no container pcp: %s", describe(&decision))
	return ""
}
