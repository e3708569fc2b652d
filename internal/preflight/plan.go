// Package preflight judges a cluster before pcp-injector is installed in it.
package preflight

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	kyaml "sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Plan is what is going to be installed.
type Plan struct {
	snapshot.Plan
	Config *config.InjectorConfig
	// claims that Helm creates.
	claims []config.Volume
}

// values of the chart that matter before it is installed, with its defaults.
type values struct {
	Config       json.RawMessage `json:"config"`
	Certificates struct {
		Mode string `json:"mode"`
	} `json:"certificates"`
	PCP struct {
		Namespace struct {
			Create bool `json:"create"`
		} `json:"namespace"`
		Claims struct {
			Create bool `json:"create"`
		} `json:"claims"`
	} `json:"pcp"`
}

// NewPlan reads the values that Helm is going to get. The name is that of their file.
func NewPlan(release snapshot.Release, text []byte, name, version string) (*Plan, error) {
	var v values
	v.Certificates.Mode, v.PCP.Claims.Create, v.Config = "certManager", true, json.RawMessage("{}")
	if err := kyaml.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	cfg, err := config.Parse(v.Config, name+": config")
	if err != nil {
		return nil, err
	}
	plan := &Plan{Config: cfg}
	plan.Release, plan.Target, plan.CertManager = release, cfg.Target.Namespace, v.Certificates.Mode == "certManager"
	if plan.Pod, err = trialPod(cfg, version); err != nil {
		return nil, err
	}
	if v.PCP.Namespace.Create {
		plan.NewNamespace = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: plan.Target, Labels: map[string]string{mutate.NamespaceLabel: "enabled", api.EnforceLevelLabel: string(api.LevelPrivileged)},
		}}
	}
	for _, volume := range []config.Volume{cfg.Persistence.PMLogger.Volume, cfg.Persistence.PMProxy} {
		if v.PCP.Claims.Create && volume.Type == config.VolumePersistentVolumeClaim {
			plan.claims = append(plan.claims, volume)
		}
	}
	plan.Rights = rightsOf(plan)
	return plan, nil
}

// trialPod is a bare pod with PCP. It asks for nothing, so no other injector adds to it.
func trialPod(cfg *config.InjectorConfig, version string) (*corev1.Pod, error) {
	trial := *cfg
	trial.Target.Kind, trial.Target.Name, trial.Target.TrustedCreators = config.KindPod, "kubectl-pcp-trial", nil
	injector, err := mutate.New(&trial, version)
	if err != nil {
		return nil, err
	}
	text := []byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"kubectl-pcp-trial","annotations":{"pcp.io/inject":"true"}},` +
		`"spec":{"containers":[{"name":"trial","image":"kubectl-pcp-trial"}]}}`)
	var view mutate.Pod
	if err := manifest.Decode(text, &view); err != nil {
		return nil, err
	}
	decision := injector.Decide(mutate.Request{Namespace: trial.Target.Namespace, Pod: &view})
	patched, err := manifest.ApplyJSON(text, decision.Patch)
	if err != nil {
		return nil, err
	}
	var pod corev1.Pod
	if err := json.Unmarshal(patched, &pod); err != nil {
		return nil, fmt.Errorf("failed to decode the pod: %w", err)
	}
	delete(pod.Annotations, mutate.AnnotationInject)
	return &pod, nil
}
