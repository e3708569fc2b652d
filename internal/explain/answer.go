package explain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/internal/admission"
	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// The gates of the webhook itself: whether it is there, answers, and runs the configuration in its ConfigMap.

func (q *inquiry) endpointsGate(context.Context) finding {
	if q.Injector == nil {
		return unknown("unknown, because no webhook of pcp-injector was found")
	}
	service := q.Injector.Webhook.Webhook.ClientConfig.Service
	switch {
	case service == nil:
		return unknown("unknown, because the webhook is called by URL: %s", *q.Injector.Webhook.Webhook.ClientConfig.URL)
	case q.Injector.Service.Missing():
		return failed(remedy.Restore.With(q.release()...), "Service %s in namespace %s does not exist", service.Name, service.Namespace)
	case q.Injector.Endpoints.Err != nil:
		return unknown("%s", q.Injector.Endpoints.Unseen())
	}
	if ready := readyEndpoints(q.Injector.Endpoints.Value); ready > 0 {
		return passed("Service %s in namespace %s has %d ready endpoint%s", service.Name, service.Namespace, ready, plural(ready))
	}
	return failed(q.bringUp(), "Service %s in namespace %s has no ready endpoint%s", service.Name, service.Namespace, q.replicas())
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func readyEndpoints(slices []discoveryv1.EndpointSlice) (ready int) {
	for n := range slices {
		for _, endpoint := range slices[n].Endpoints {
			if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
				ready++
			}
		}
	}
	return ready
}

func (q *inquiry) replicas() string {
	deployment := q.Injector.Deployment()
	if deployment == nil {
		if q.Injector.Deployments.Err == nil {
			return ": its Deployment is gone"
		}
		return ""
	}
	return fmt.Sprintf(": Deployment %s has %d of %d pods ready", deployment.Name, deployment.Status.ReadyReplicas, *deployment.Spec.Replicas)
}

func (q *inquiry) bringUp() *remedy.Remedy {
	deployment := q.Injector.Deployment()
	switch {
	case deployment == nil:
		return remedy.Restore.With(q.release()...)
	case *deployment.Spec.Replicas == 0:
		return remedy.RestoreDeployment.With(q.released(deployment.Name)...)
	case deployment.Status.ReadyReplicas > 0:
		return remedy.RestoreService.With(q.released(q.Injector.Webhook.Webhook.ClientConfig.Service.Name)...)
	default:
		return remedy.WhyNotReady.With(remedy.Prose.Is("its pods are"), remedy.InNamespace.Is(deployment.Namespace),
			remedy.Selector.Is(metav1.FormatLabelSelector(deployment.Spec.Selector)))
	}
}

// answerGate reports what became of a pod that asked for PCP in a dry run.
func (q *inquiry) answerGate(ctx context.Context) finding {
	trial := &q.Trial.Value
	if q.Injector == nil {
		return q.answerOfUnseen()
	}
	name := q.Injector.Webhook.Webhook.Name
	switch {
	case q.Trial.Err != nil:
		return unknown("%s", q.Trial.Unseen())
	case trial.Status != nil:
		return passed("the API server reaches it, and trusts its certificate: a dry run came back with its answer")
	case q.namespaceGate(ctx).result != gate.Passed:
		return unknown("not examined, because the API server does not call the webhook for namespace %s", q.Subject.Namespace)
	case trial.Refusal == nil || strings.Contains(trial.Refusal.Error(), unanswered+"'"):
		return q.silent()
	case strings.Contains(trial.Refusal.Error(), fmt.Sprintf("failed calling webhook %q", name)):
		return q.unreachable(trial.Refusal.Error())
	default:
		return passed("a dry run came back with a later refusal: %v", trial.Refusal)
	}
}

// answerOfUnseen is for a webhook that the user may not see, and whose answer still comes back.
func (q *inquiry) answerOfUnseen() finding {
	if q.Trial.Err == nil && q.Trial.Value.Status != nil {
		return passed("a dry run came back with the answer of a webhook")
	}
	return unknown("unknown, because no webhook of pcp-injector was found")
}

// silent: the webhook was not called although the namespace has opted in, or did not answer where that is tolerated.
func (q *inquiry) silent() finding {
	if q.missed(admission.StageMatchConditions) != nil || q.missed(admission.StageRules) != nil || q.missed(admission.StageObjectSelector) != nil {
		return unknown("not examined, because the API server does not call the webhook for such pods")
	}
	return failed(remedy.LookAtLog.With(q.release()...),
		"a dry run came back without the webhook's answer; its failurePolicy is %s", *q.Injector.Webhook.Webhook.FailurePolicy)
}

// troubles are the ways in which the API server fails to reach a webhook, by what it says.
var troubles = []struct {
	said, meaning string
	remedy        func(*inquiry) *remedy.Remedy
}{
	{"has expired or is not yet valid", "the webhook's certificate has expired", (*inquiry).renewCertificate},
	{"certificate is valid for", "the webhook's certificate is for another name", (*inquiry).renewCertificate},
	{"signed by unknown authority", "the caBundle and the webhook's certificate are of different authorities", (*inquiry).repairCABundle},
	{"certificate is not trusted", "the caBundle and the webhook's certificate are of different authorities", (*inquiry).repairCABundle},
	{"x509", "the API server does not trust the webhook's certificate", (*inquiry).repairCABundle},
	{"deadline exceeded", "the webhook does not answer in time: a NetworkPolicy or a firewall may be in the way", (*inquiry).lookAtNetwork},
	{"Client.Timeout", "the webhook does not answer in time: a NetworkPolicy or a firewall may be in the way", (*inquiry).lookAtNetwork},
}

func (q *inquiry) unreachable(said string) finding {
	for _, trouble := range troubles {
		if strings.Contains(said, trouble.said) {
			return failed(trouble.remedy(q), "%s: %s", trouble.meaning, said)
		}
	}
	return failed(q.lookAtNetwork(), "%s", said)
}

// renewCertificate has the certificate issued again: by cert-manager as soon as its Secret is gone, or by Helm with the next upgrade.
func (q *inquiry) renewCertificate() *remedy.Remedy {
	if q.Injector.Webhook.Configuration.Annotations[snapshot.InjectCA] != "" {
		return remedy.ReissueByManager.With(append(q.release(), q.secret())...)
	}
	return remedy.RemakeCertificate.With(append(q.released(q.Injector.Webhook.Configuration.Name), q.secret())...)
}

// repairCABundle has the caBundle written again by what wrote it.
func (q *inquiry) repairCABundle() *remedy.Remedy {
	if q.Injector.Webhook.Configuration.Annotations[snapshot.InjectCA] != "" {
		return remedy.RestoreCABundle.With(q.released(q.Injector.Webhook.Configuration.Name)...)
	}
	return q.restoreWebhook()
}

func (q *inquiry) lookAtNetwork() *remedy.Remedy {
	return remedy.LookAtPods.With(q.release()...)
}

// secret is where the webhook's certificate is kept, if that is known.
func (q *inquiry) secret() remedy.Value {
	secret := ""
	if deployment := q.Injector.Deployment(); deployment != nil {
		for _, volume := range deployment.Spec.Template.Spec.Volumes {
			if volume.Name == "tls" && volume.Secret != nil {
				secret = volume.Secret.SecretName
			}
		}
	}
	return remedy.Secret.Is(secret)
}

// configurationGate compares the configuration in the ConfigMap with the one that the webhook runs.
func (q *inquiry) configurationGate(context.Context) finding {
	if q.Injector == nil {
		return unknown("unknown, because no webhook of pcp-injector was found")
	}
	var invalid *config.FileError
	read := &q.Injector.Config
	switch {
	case read.Missing():
		return failed(remedy.Restore.With(q.release()...), "the injector's ConfigMap does not exist: %v", read.Err)
	case read.Err != nil:
		return unknown("%s", read.Unseen())
	case errors.As(q.configErr, &invalid):
		return failed(remedy.CorrectConfiguration.With(q.released(read.Value.Name)...), "ConfigMap %s is not valid: %v", read.Value.Name, q.configErr)
	case q.configErr != nil:
		return failed(remedy.CorrectConfiguration.With(q.released(read.Value.Name)...), "ConfigMap %s: %v", read.Value.Name, q.configErr)
	}
	return q.inForce(&q.Trial, read.Value.Name)
}

func (q *inquiry) inForce(trial *snapshot.Read[snapshot.Trial], name string) finding {
	status := trial.Value.Status
	switch {
	case status == nil:
		return passed("ConfigMap %s is valid; whether the webhook runs it is not known", name)
	case status.Config != q.injector.ConfigHash():
		deployment := q.Injector.Deployment()
		if deployment == nil {
			return failed(remedy.RestartUnknown.With(), "the webhook runs configuration %s, ConfigMap %s has %s", status.Config, name, q.injector.ConfigHash())
		}
		return failed(remedy.RestartWebhook.With(q.released(deployment.Name)...),
			"the webhook runs configuration %s, ConfigMap %s has %s", status.Config, name, q.injector.ConfigHash())
	default:
		return passed("ConfigMap %s is valid, and the webhook (%s) runs it", name, status.Version)
	}
}
