package e2e_test

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// ran is where the commands of the hostile group would leave a trace: pmlogger's user may write there.
const ran = "/var/log/pcp/pmlogger/ran"

// TestHostileGroup: what a pmlogconf group smuggles in for pmlogger's preprocessor, which runs %shell lines, is not run.
func TestHostileGroup(t *testing.T) {
	t.Parallel()
	eachPCP(t, func(s *scene) {
		group := "#pmlogconf-setup 2.0\nident\thostile\nforce\tinclude\ndelta\t10 seconds\n\t%shell 'touch " + ran + "'\n%shell 'touch " + ran + "'\n\tpmcd.numagents\n"
		values, err := yaml.Marshal(map[string]any{"openMetrics": map[string]any{"pmlogconfGroups": map[string]string{"hostile": group}}})
		if err != nil {
			s.t.Fatal(err)
		}
		s.installPCP(string(values))
		pod := s.awaitReady("")
		eventually(s.t, archiveLimit, "the group in pmlogger's configuration", func() error {
			_, err := s.in(pod.Name, "pcp", "grep", "-rq", "%shell", "/var/lib/pcp/config/pmlogger", "/var/log/pcp/pmlogger")
			return err
		})
		eventually(s.t, archiveLimit, "an archive of pmlogger, or its refusal, both after the preprocessor", func() error {
			_, err := s.in(pod.Name, "pcp", "sh", "-c", "ls "+archiveFolder+"/*/*.meta || grep -s 'Unexpected character' "+archiveFolder+"/*/pmlogger.log*")
			return err
		})
		if _, err := s.in(pod.Name, "pcp", "ls", ran); err == nil {
			s.t.Error("the group's command was run")
		}
		// The preprocessor does run what begins a line; else the group would prove nothing.
		if output, err := s.in(pod.Name, "pcp", "sh", "-c", `printf '%%shell "touch `+ran+`"\n' >/tmp/column-0 && . /etc/pcp.env && "$PCP_BINADM_DIR/pmcpp" -rs /tmp/column-0; ls `+ran); err != nil {
			s.t.Errorf("%%shell at the beginning of a line is not run either: %s: %v", output, err)
		}
	})
}

// filters: the expressions that a FILTER may not have are those that keep the agent's Python busy, and the others are not.
func (m *monitor) filters(t *testing.T) {
	t.Helper()
	archive, err := txtar.ParseFile("../../pkg/config/testdata/expressions.txtar")
	if err != nil {
		t.Fatal(err)
	}
	const match = "import re, sys; re.match(sys.argv[1], 'a' * 40 + '!')"
	tried := 0
	for _, file := range archive.Files {
		slow, limit := file.Name == "slow", map[string]string{"slow": "2", "quick": "15"}[file.Name]
		for expression := range strings.FieldsSeq(string(file.Data)) {
			tried++
			output, err := m.pcp("sh", "-c", `timeout "$@"; echo "exit $?"`, "sh", limit, "python3", "-c", match, expression)
			if gaveUp := strings.Contains(output, "exit 124"); err != nil || gaveUp != slow || !gaveUp && !strings.Contains(output, "exit 0") {
				t.Errorf("%s expression %s: Python ends with %s: %v", file.Name, expression, output, err)
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d expressions were tried", tried)
	}
}

// etc is what planted links lead to: the content, owner and mode of a file that root's scripts read, and the names beside it.
const etc = "sha256sum /etc/pcp.conf; stat --format '%U:%G %a' /etc /etc/pcp.conf; ls -A /etc"

// TestPlantedLinks lets another pod, which mounts PCP's claims too, plant links among the archives: what runs in PCP's container at
// its start, and every night, changes nothing behind them.
func TestPlantedLinks(t *testing.T) {
	t.Parallel()
	eachPCP(t, func(s *scene) {
		m := &monitor{scene: s, host: "node-monitor"}
		m.installInjector("")
		m.pod = m.deploy(nodeMonitor(nil))
		eventually(s.t, archiveLimit, "an archive", func() error { _, err := m.archives(); return err })
		before, err := m.pcp("sh", "-c", etc)
		if err != nil {
			s.t.Fatal(err)
		}
		s.create(planter())
		eventually(s.t, startLimit, "the links", func() error {
			_, err := m.pcp("test", "-h", archiveFolder+"/planted")
			return err
		})
		if err := s.client.CoreV1().Pods(s.namespace).Delete(s.t.Context(), m.pod.Name, metav1.DeleteOptions{}); err != nil {
			s.t.Fatal(err)
		}
		m.pod = m.awaitReady(string(m.pod.UID))
		m.rotate(s.t)
		if after, err := m.pcp("sh", "-c", etc); after != before {
			s.t.Errorf("behind the links is\n%s\nwas\n%s (error: %v)", after, before, err)
		}
	})
}

// planter plants links to a file and to a folder under the names that pmlogger, pmproxy and their scripts use, and under those of archives.
func planter() *corev1.Pod {
	const script = `cd /pmlogger/node-monitor && for name in Latest pmlogger.log pmlogger_daily.stamp lock 20200101.0 20200101.meta 20200101.index; do ln -sfn /etc/pcp.conf $name; done &&
ln -sfn /etc /pmlogger/other && ln -sfn /etc/pcp.conf /pmlogger/pmlogger_daily.log && ln -sfn /etc/pcp.conf /pmproxy/pmproxy.log && ln -sfn /etc /pmproxy/other && ln -sfn /etc /pmlogger/planted && sleep 1000`
	pod := runs("planter", "sh", "-c", script)
	pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(0))}
	for _, name := range []string{"pmlogger", "pmproxy"} {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "pcp-" + name},
		}})
		pod.Spec.Containers[0].VolumeMounts = append(pod.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
	}
	return pod
}
