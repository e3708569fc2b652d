package charts_test

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// TestRemediesOfRelease follows those remedies of a release that no set-up of the other tests leads to: what they say holds, and Helm still
// knows the release as its own.
func TestRemediesOfRelease(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, tool, "guard.warnings.scope=None", "guard.enabled=false", "config.persistence.pmlogger.storageClassName="+growingClass(t))
			r.install()
			r.serve()
			r.awaitTrust()
			r.apply(nodeMonitor()).must(t)
			r.pod("node-monitor", injected)
			p := newPlugin(r)
			p.followWith(remedy.RestoreCABundle, remedy.Name.Is("pcp-injector."+p.namespace))
			p.awaitTrust()
			p.followWith(remedy.RestoreAfterCM)
			p.followWith(remedy.ReissueByManager, remedy.Secret.Is("pcp-injector-tls"))
			p.serveRenewed()
			p.awaitTrust()
			p.followSettings()
			p.requireWhole()
		})
	}
}

// followSettings changes values, and makes the tests' own upgrades keep them.
func (p *plugin) followSettings() {
	p.t.Helper()
	p.followWith(remedy.EnableGuard)
	p.followWith(remedy.LimitPCP, remedy.Key.Is("limits.memory"), remedy.Amount.Is("512Mi"))
	p.eventually("the claim to be bound", func(ctx context.Context) error {
		claim, err := plane.Client().CoreV1().PersistentVolumeClaims(p.target).Get(ctx, "pcp-pmlogger", metav1.GetOptions{})
		if err == nil && claim.Status.Phase != corev1.ClaimBound {
			err = errors.New(string(claim.Status.Phase))
		}
		return err
	})
	p.followWith(remedy.GrowClaim, remedy.Amount.Is("2Gi"))
	size := mustKubectl(p.t, "", "get", "persistentvolumeclaim", "pcp-pmlogger", "--namespace", p.target, "--output", "jsonpath={.spec.resources.requests.storage}")
	if size != "2Gi" {
		p.t.Errorf("the claim requests %s", size)
	}
	mustKubectl(p.t, "", "get", "validatingadmissionpolicybinding", "pcp-injector."+p.namespace+"."+p.target+".exec")
	p.set("guard.enabled=true", "config.container.resources.limits.memory=512Mi", "config.persistence.pmlogger.size=2Gi")
	p.serve()
}

// followWith follows a remedy of the release.
func (p *plugin) followWith(template *remedy.Template, values ...remedy.Value) {
	p.t.Helper()
	text := template.With(append(values, remedy.ReleaseName.Is(p.name), remedy.InNamespace.Is(p.namespace))...).Text()
	if len(text.Commands) == 0 {
		p.t.Fatalf("no command: %+v", text)
	}
	p.follow(&text)
}

// growingClass is a StorageClass whose claims can be enlarged.
func growingClass(t *testing.T) string {
	t.Helper()
	name := namespaceFor(t)
	mustKubectl(t, "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: "+name+"}, provisioner: none.example.com, allowVolumeExpansion: true}", "apply", "-f", "-")
	return name
}

// TestRemediesOfWorkload follows those remedies of a target that no set-up of the other tests leads to.
func TestRemediesOfWorkload(t *testing.T) {
	t.Parallel()
	p := pluginFor(t, "guard.enabled=false")
	p.apply(nodeMonitor()).must(t)
	pod := remedy.Pods.Is(p.pod("node-monitor", injected).Name)
	here, object, file := remedy.InNamespace.Is(p.target), remedy.Object.Is(nodeMonitorDeployment), remedy.File.Is(p.manifestFile())
	mustKubectl(t, `{apiVersion: batch/v1, kind: CronJob, metadata: {name: daily}, spec: {schedule: "@daily", suspend: true, jobTemplate: {spec: {template: {spec:
		{restartPolicy: Never, containers: [{name: app, image: app}]}}}}}}`, "apply", "--namespace", p.target, "-f", "-")
	mustKubectl(t, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: foreign}, spec: {storageClassName: "+growingClass(t)+
		", accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}", "apply", "--namespace", p.target, "-f", "-")
	mustKubectl(t, "", "wait", "persistentvolumeclaim/foreign", "--namespace", p.target, "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
	cron, claim := remedy.Object.Is("cronjob/daily"), remedy.Name.Is("foreign")
	for _, text := range []remedy.Text{
		remedy.ServeSources.With(here, pod).Text(), remedy.DeletePods.With(here, pod).Text(), // before the pod is replaced
		remedy.GrantOwnVerb.With(here, remedy.Role.Is("pcp-check-exec"), remedy.Verbs.Is("exec"), remedy.User.Is("o'neill")).Text(),
		remedy.AskInFile.With(here, file).Text(), remedy.ReplaceFile.With(here, file).Text(), remedy.RecreatePod.With(here).Text(),
		remedy.OneReplica.With(here, object).Text(), remedy.Recreate.With(here, object).Text(), remedy.OneRecreated.With(here, object).Text(),
		remedy.OneJob.With(here, cron).Text(), remedy.Resume.With(here, cron).Text(),
		remedy.SetResources.With(here, object, remedy.Container.Is("app"), remedy.Key.Is("limits"), remedy.Resource.Is("memory"), remedy.Amount.Is("64Mi")).Text(),
		remedy.GrowForeignClaim.With(here, claim, remedy.Patch.Is(`{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}`)).Text(),
		remedy.CreateNamespace.With(remedy.InNamespace.Is(p.target + "-created")).Text(),
		remedy.WhyNoPod.With(here, object).Text(), remedy.WhyNoVolume.With(here, claim).Text(), remedy.ProvideVolume.With().Text(),
		remedy.AwaitRollout.With(remedy.InNamespace.Is(p.namespace), remedy.Name.Is("pcp-injector")).Text(),
		remedy.WhyNotReady.With(remedy.InNamespace.Is(p.namespace), remedy.Selector.Is("app.kubernetes.io/name=pcp-injector")).Text(),
		remedy.LookAtIssuing.With(remedy.InNamespace.Is(p.namespace)).Text(), remedy.LookAtCAinjector.With().Text(), remedy.LookAtNetworks.With(remedy.TargetIn.Is(p.target)).Text(),
	} {
		p.follow(&text)
	}
}
