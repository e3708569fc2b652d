package check

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// The webhook's pods: how many serve, in which version, and whether a node can be drained.

const versionLabel = "app.kubernetes.io/version"

// versions compares this program with the webhook, which knows its own version best, or otherwise with the label of its configuration.
func (i *inspection) versions() gate.Gate {
	const name = "version"
	webhook, source := i.Injector.Webhook.Configuration.Labels[versionLabel], " (by a label)"
	if status := i.Trial.Value.Status; status != nil {
		webhook, source = status.Version, ""
	}
	if webhook == "" {
		return unknown(name, "the plugin is %s; the webhook's version is unknown, because it has not answered and no label has it", i.version)
	}
	if webhook == i.version || source != "" && webhook == strings.ReplaceAll(i.version, "+", "_") {
		return passed(name, "plugin and webhook are %s%s", i.version, source)
	}
	own, err := version.ParseSemantic(i.version)
	other, otherErr := version.ParseSemantic(webhook)
	evidence := fmt.Sprintf("the plugin is %s, the webhook %s%s", i.version, webhook, source)
	switch {
	case err != nil || unreleased(own):
		return passed(name, "%s; they are not compared, because the plugin is no release", evidence)
	case otherErr != nil || unreleased(other):
		return passed(name, "%s; they are not compared, because the webhook is no release", evidence)
	case other.LessThan(own):
		return warning(name, remedy.UpgradeWebhook.With(i.ofRelease()...), "%s, which is older", evidence)
	case own.LessThan(other):
		return warning(name, remedy.NewerPlugin.With(), "%s, which is newer", evidence)
	default:
		return passed(name, "%s", evidence)
	}
}

// unreleased reports whether a build is between releases. Go and git give it a version below all of them.
func unreleased(v *version.Version) bool { return v.Major() == 0 && v.Minor() == 0 && v.Patch() == 0 }

func (i *inspection) replicas() gate.Gate {
	const name = "replicas"
	deployment := i.Injector.Deployment()
	switch {
	case i.Injector.Deployments.Err != nil:
		return unknown(name, "%s", i.Injector.Deployments.Unseen())
	case deployment == nil:
		return failed(name, remedy.Restore.With(i.ofRelease()...), "the webhook's Deployment is gone")
	}
	wanted, status := *deployment.Spec.Replicas, &deployment.Status
	evidence := fmt.Sprintf("Deployment %s has %d of %d pods ready", deployment.Name, status.ReadyReplicas, wanted)
	look := func(whose string) *remedy.Remedy {
		return remedy.WhyNotReady.With(i.ofRelease(remedy.Prose.Is(whose), remedy.Selector.Is(metav1.FormatLabelSelector(deployment.Spec.Selector)))...)
	}
	switch {
	case wanted == 0:
		return failed(name, remedy.RestoreDeployment.With(i.ofRelease(remedy.Name.Is(deployment.Name))...), "%s", evidence)
	case status.ReadyReplicas == 0:
		return failed(name, look("its pods are"), "%s%s", evidence, stuck(deployment))
	case status.ReadyReplicas < wanted:
		return warning(name, look("the others are"), "%s%s", evidence, stuck(deployment))
	case status.ObservedGeneration < deployment.Generation || status.UpdatedReplicas < wanted:
		return warning(name, remedy.AwaitRollout.With(i.ofRelease(remedy.Name.Is(deployment.Name))...),
			"%s, %d of them new%s", evidence, status.UpdatedReplicas, stuck(deployment))
	}
	return passed(name, "%s", evidence)
}

// stuck is what the Deployment reports of its own trouble.
func stuck(deployment *appsv1.Deployment) string {
	for _, condition := range deployment.Status.Conditions {
		failing := condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == "True"
		if failing || condition.Type == appsv1.DeploymentProgressing && condition.Status == "False" {
			return ": " + condition.Message
		}
	}
	return ""
}

// budget checks what keeps node drains from taking all replicas at once.
func (i *inspection) budget() gate.Gate {
	const name = "disruption-budget"
	deployment := i.Injector.Deployment()
	switch {
	case i.Budgets.Err != nil:
		return unknown(name, "%s", i.Budgets.Unseen())
	case deployment == nil:
		return unknown(name, "not examined, because the Deployment is not known")
	}
	at := slices.IndexFunc(i.Budgets.Value, func(budget policyv1.PodDisruptionBudget) bool {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		return err == nil && !selector.Empty() && selector.Matches(labels.Set(deployment.Spec.Template.Labels))
	})
	if at < 0 {
		return warning(name, remedy.CreateBudget.With(i.ofRelease()...),
			"no PodDisruptionBudget covers the webhook's pods: the drain of nodes may take all of them at once, and pods that ask for PCP cannot be created then")
	}
	budget := &i.Budgets.Value[at]
	if budget.Status.ExpectedPods > 0 && budget.Status.CurrentHealthy >= budget.Status.ExpectedPods && budget.Status.DisruptionsAllowed == 0 {
		return warning(name, remedy.LoosenBudget.With(i.ofRelease(remedy.Name.Is(budget.Name))...),
			"PodDisruptionBudget %s allows no disruption, so no node with one of these pods can be drained", budget.Name)
	}
	return passed(name, "PodDisruptionBudget %s covers the webhook's pods", budget.Name)
}
