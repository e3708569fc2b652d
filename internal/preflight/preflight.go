package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/performancecopilot/pcp-injector/internal/admission"
	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// Oldest is the oldest Kubernetes that the charts allow.
const Oldest = "1.30.0"

// cluster is what was read, and what is going to be installed.
type cluster struct {
	*snapshot.Preflight
	plan *Plan
}

type examination = gate.Examination[*cluster]

var (
	kubernetes  = &examination{Name: "kubernetes", Examine: (*cluster).kubernetes}
	rights      = &examination{Name: "rights", Examine: (*cluster).rights}
	certManager = &examination{Name: "cert-manager", Examine: (*cluster).certManager}
	releases    = &examination{Name: "releases", Examine: (*cluster).releases}
	namespace   = &examination{Name: "namespace", Examine: (*cluster).namespace}
	podSecurity = &examination{Name: "pod-security", Needs: []*examination{namespace}, Examine: (*cluster).podSecurity}
	policies    = &examination{Name: "policies", Needs: []*examination{namespace, podSecurity}, Examine: (*cluster).policies}
	storage     = &examination{Name: "storage", Examine: (*cluster).storage}
)

var (
	installation = []*examination{kubernetes, rights, certManager, releases}
	target       = []*examination{namespace, podSecurity, policies, storage}
)

// Check judges a cluster before an installation.
func Check(p *snapshot.Preflight, plan *Plan) []*gate.Report {
	gates := gate.Examine(&cluster{p, plan}, slices.Concat(installation, target)...)
	return []*gate.Report{
		{
			Subject: fmt.Sprintf("Before the installation of release %s in namespace %s", p.Release.Name, p.Release.Namespace),
			Gates:   gates[:len(installation)],
		},
		{Subject: "Target in namespace " + p.Target, Gates: gates[len(installation):]},
	}
}

func unseen[T any](read *snapshot.Read[T]) gate.Finding {
	return gate.Found(gate.Unknown, "%s", read.Unseen())
}

func (c *cluster) kubernetes() gate.Finding {
	found, err := version.ParseGeneric(c.Version.Value)
	if err != nil {
		return gate.Found(gate.Unknown, "unknown, because the API server has the version %q", c.Version.Value)
	}
	if found.LessThan(version.MustParseGeneric(Oldest)) {
		return gate.Found(gate.Failed, "Kubernetes is %s, but the chart needs %s or later", c.Version.Value, Oldest).With(remedy.UpgradeCluster.With())
	}
	return gate.Found(gate.Passed, "Kubernetes is %s", c.Version.Value)
}

func (c *cluster) rights() gate.Finding {
	switch lacked := c.Lacked.Value; {
	case c.Lacked.Err != nil:
		return unseen(&c.Lacked)
	case len(lacked) > 0:
		texts := make([]string, len(lacked))
		for n := range lacked {
			texts[n] = lacked[n].String()
		}
		return gate.Found(gate.Failed, "you may not %s", strings.Join(texts, "; ")).With(remedy.HaveItInstalled.With())
	}
	return gate.Found(gate.Passed, "you may create, change and delete all that Helm installs")
}

func (c *cluster) certManager() gate.Finding {
	switch {
	case !c.CertManager:
		return gate.Found(gate.Passed, "not needed: the certificate does not come from cert-manager")
	case c.Issuer.Missing():
		return gate.Found(gate.Failed, "cert-manager is not installed: the cluster knows no Issuer").With(remedy.InstallCertManager.With())
	case c.Issuer.Unseen() != "" && !refused(c.Issuer.Err):
		return unseen(&c.Issuer)
	case c.Issuer.Err != nil:
		return gate.Found(gate.Failed, "an Issuer cannot be created: %v", c.Issuer.Err).With(remedy.LookAtItsWebhook.With())
	case c.Managers.Err != nil:
		return gate.Found(gate.Passed, "cert-manager's API is there; you may not see whether its pods are ready")
	}
	for n := range c.Managers.Value {
		if found := &c.Managers.Value[n]; found.Status.ReadyReplicas == 0 {
			return gate.Found(gate.Failed, "Deployment %s of cert-manager in namespace %s has no ready pod", found.Name, found.Namespace).
				With(remedy.LookAtCertManager.With(remedy.InNamespace.Is(found.Namespace)))
		}
	}
	return gate.Found(gate.Passed, "cert-manager is there%s", readiness(c.Managers.Value))
}

func readiness(managers []appsv1.Deployment) string {
	if len(managers) == 0 {
		return "; no Deployment has the labels of its chart, so whether its pods are ready is not known"
	}
	return ", and its pods are ready"
}

// refused: the API server has refused the object, so the user was allowed to create it.
func refused(err error) bool { return strings.Contains(err.Error(), "failed calling webhook") }

func (c *cluster) releases() gate.Finding {
	switch release, there := c.Releases.Value[c.Target]; {
	case c.Releases.Err != nil:
		return unseen(&c.Releases)
	case there && release == c.Release:
		return gate.Found(gate.Failed, "release %s in namespace %s is installed already", release.Name, release.Namespace).With(remedy.UseOther.With(remedy.InNamespace.Is(release.Namespace)))
	case there:
		return gate.Found(gate.Failed, "release %s in namespace %s looks after namespace %s already", release.Name, release.Namespace, c.Target).With(remedy.UseOther.With(remedy.InNamespace.Is(release.Namespace)))
	}
	for _, other := range slices.Sorted(maps.Keys(c.Releases.Value)) {
		if c.Releases.Value[other] == c.Release {
			return gate.Found(gate.Failed, "release %s in namespace %s is installed already, for namespace %s", c.Release.Name, c.Release.Namespace, other).With(remedy.UseOther.With(remedy.InNamespace.Is(c.Release.Namespace)))
		}
	}
	switch {
	case c.State.Err != nil:
		return unseen(&c.State)
	case c.State.Value != "":
		return gate.Found(gate.Failed, "Helm has a release %s in namespace %s already, in the state %s", c.Release.Name, c.Release.Namespace, c.State.Value).With(remedy.FinishRelease.With(remedy.ReleaseName.Is(c.Release.Name), remedy.InNamespace.Is(c.Release.Namespace)))
	}
	return gate.Found(gate.Passed, "no other release is in the way")
}

func (c *cluster) namespace() gate.Finding {
	switch {
	case c.Namespace.Unseen() != "":
		return unseen(&c.Namespace)
	case c.Namespace.Missing() && c.NewNamespace == nil:
		return gate.Found(gate.Failed, "namespace %s does not exist", c.Target).With(remedy.PrepareNamespace.With(remedy.InNamespace.Is(c.Target)))
	case c.Namespace.Missing() && c.NamespaceTrial.Value != nil:
		return gate.Found(gate.Failed, "namespace %s cannot be created: %v", c.Target, c.NamespaceTrial.Value).With(remedy.ChangePolicy.With())
	case c.Namespace.Missing():
		return gate.Found(gate.Passed, "Helm creates namespace %s", c.Target)
	}
	return gate.Found(gate.Passed, "namespace %s is there", c.Target)
}

func (c *cluster) podSecurity() gate.Finding {
	there := c.Namespace.Value
	if c.Namespace.Missing() {
		there = c.NewNamespace
	}
	level, detail, err := admission.PodSecurity(there.Labels, c.Pod)
	switch {
	case err != nil:
		return gate.Found(gate.Failed, "namespace %s: %v", c.Target, err).With(remedy.AllowPrivileged.With(remedy.InNamespace.Is(c.Target)))
	case detail != "":
		return gate.Found(gate.Failed, "namespace %s enforces %s, which forbids the pod with PCP: %s", c.Target, level, detail).With(remedy.AllowPrivileged.With(remedy.InNamespace.Is(c.Target)))
	}
	return gate.Found(gate.Passed, "namespace %s enforces %s, which allows the pod with PCP", c.Target, level)
}

// policies are whatever else has a say: policies and webhooks of others, quotas and LimitRanges.
func (c *cluster) policies() gate.Finding {
	switch {
	case c.Namespace.Missing():
		return gate.Found(gate.Unknown, "unknown, because namespace %s does not exist yet", c.Target)
	case c.PodTrial.Err != nil:
		return unseen(&c.PodTrial)
	case c.PodTrial.Value != nil:
		return gate.Found(gate.Failed, "a dry run of the pod with PCP was refused: %v", c.PodTrial.Value).With(remedy.ChangePolicy.With())
	}
	return gate.Found(gate.Passed, "a dry run of the pod with PCP was accepted")
}

func (c *cluster) storage() gate.Finding {
	var made []config.Volume
	for _, volume := range c.plan.claims {
		if !slices.ContainsFunc(c.Claims.Value, func(claim corev1.PersistentVolumeClaim) bool { return claim.Name == volume.ClaimName }) {
			made = append(made, volume)
		}
	}
	switch {
	case len(made) == 0:
		return gate.Found(gate.Passed, "Helm creates no PersistentVolumeClaim")
	case c.Classes.Err != nil:
		return unseen(&c.Classes)
	}
	var classes []string
	for _, volume := range made {
		class := c.class(volume.StorageClassName)
		if class == "" && volume.StorageClassName != "" {
			return gate.Found(gate.Failed, "PersistentVolumeClaim %s wants StorageClass %s, which does not exist", volume.ClaimName, volume.StorageClassName).With(remedy.ProvideClass.With())
		}
		if class == "" {
			return gate.Found(gate.Warning, "no StorageClass is the default, so PersistentVolumeClaim %s needs a volume that fits", volume.ClaimName).With(remedy.ProvideClass.With())
		}
		classes = append(classes, class)
	}
	return gate.Found(gate.Passed, "StorageClass %s makes the volumes of the claims", strings.Join(slices.Compact(slices.Sorted(slices.Values(classes))), " and "))
}

// class is the StorageClass of that name, or the default one; empty if there is none.
func (c *cluster) class(name string) string {
	at := slices.IndexFunc(c.Classes.Value, func(class storagev1.StorageClass) bool {
		return class.Name == name || name == "" && class.Annotations["storageclass.kubernetes.io/is-default-class"] == "true"
	})
	if at < 0 {
		return ""
	}
	return c.Classes.Value[at].Name
}
