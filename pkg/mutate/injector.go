// Package mutate is the pure core of the injector: from a configuration and a pod it decides whether the pod gets the PCP container, and
// builds the patch that adds it. It does no I/O and knows neither clock nor logger.
package mutate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/work"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// Injector decides about pods for one configuration. It is immutable and safe for concurrent use.
type Injector struct {
	cfg      *config.InjectorConfig
	version  string
	hash     string
	hostname string
	// endpoints are the names of the administrator's sources as PCP will see them.
	endpoints sets.Set[string]
	// ownIntervals are the configuration's intervals of single sources, by those names.
	ownIntervals map[string]int32
	// standard holds what pods without overrides get, marshaled once.
	standard map[variant]*sidecar
}

// New prepares an Injector for a completed and valid configuration, which must not change afterwards. The version of this
// program goes into the status annotation.
func New(cfg *config.InjectorConfig, version string) (*Injector, error) {
	canonical, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("failed to encode the configuration: %w", err)
	}
	sum := sha256.Sum256(canonical)
	i := &Injector{
		cfg:          cfg,
		version:      version,
		hash:         hex.EncodeToString(sum[:8]),
		hostname:     hostnameFor(cfg.Target.Name),
		endpoints:    sets.New[string](),
		ownIntervals: intervalsOf(&cfg.OpenMetrics),
		standard:     map[variant]*sidecar{},
	}
	for name := range cfg.OpenMetrics.Endpoints {
		safe, err := config.SourceName(name)
		if err != nil {
			return nil, fmt.Errorf("openMetrics.endpoints[%s]: %w", name, err)
		}
		i.endpoints.Insert(safe)
	}
	if err := i.buildStandard(); err != nil {
		return nil, err
	}
	return i, nil
}

// ConfigHash identifies the configuration: the first 16 hexadecimal digits of a SHA-256.
func (i *Injector) ConfigHash() string { return i.hash }

// Decide decides about one pod.
func (i *Injector) Decide(req Request) Decision {
	pod := req.Pod
	asked, problem := requested(pod)
	switch {
	case problem != nil:
		return Decision{Reason: ReasonInvalidRequest, Problems: field.ErrorList{problem}}
	case !asked:
		return Decision{Reason: ReasonNotRequested}
	}
	if problem := checkAnnotationSize(pod); problem != nil {
		return Decision{Reason: ReasonIncompatible, Problems: field.ErrorList{problem}}
	}
	reason, message := i.checkTarget(req)
	if status := statusOf(pod); status != nil && status.Reason == ReasonInjected && hasContainer(pod, ContainerName) {
		return i.alreadyInjected(pod, status, reason, message)
	}
	if reason != "" {
		return i.leaveOut(pod, reason, message)
	}
	s, problems := i.settingsOf(pod, work.NewBudget(maxSteps))
	problems = append(problems, i.incompatibilities(pod, &s)...)
	if len(problems) > 0 {
		return Decision{Reason: ReasonIncompatible, Problems: summarize(problems)}
	}
	return i.inject(req, &s)
}

func requested(pod *Pod) (bool, *field.Error) {
	switch value := pod.Metadata.Annotations[AnnotationInject]; value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		if _, present := pod.Metadata.Annotations[AnnotationInject]; !present {
			return false, nil
		}
		return false, field.Invalid(annotationPath(AnnotationInject), value, `must be "true" or "false"`)
	}
}

// alreadyInjected answers for a pod that is injected already: another webhook or an in-tree plugin changed it after us, or somebody copied
// an injected manifest. It still refuses what keeps systemd from starting, and what the target's PCP must not read or open. A pod that is
// not the target's got nothing from us, whatever its status says.
func (i *Injector) alreadyInjected(pod *Pod, status *Status, reason Reason, message string) Decision {
	problems := slices.Concat(checkProcessNamespace(pod), i.checkUserNamespace(pod), i.checkExposure(pod))
	if reason == "" {
		budget := work.NewBudget(maxSteps)
		problems = append(problems, checkVolumeUse(pod)...)
		problems = append(problems, checkSources(pod.Metadata.Annotations, sourceKeys(pod.Metadata.Annotations), budget)...)
	}
	if len(problems) > 0 {
		return Decision{Reason: ReasonIncompatible, Problems: summarize(problems)}
	}
	decision := Decision{Reason: ReasonAlreadyInjected}
	if reason != "" {
		decision.warn(string(reason), "injected before this admission, but not allowed: %s", message)
	}
	if status.Config != i.hash {
		decision.warn(warnStale, "injected with configuration %.16s, but the current one is %s: recreate the pod to apply it", status.Config, i.hash)
	}
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		if c.Name == ContainerName && c.Resources.Limits.CPU != nil {
			decision.warn(warnCPULimit, "container pcp got a cpu limit, perhaps from a LimitRange: PCP's agents may start late or never")
		}
	}
	return decision
}

// leaveOut allows a pod that asked, but without PCP, and says why where the user can see it.
func (i *Injector) leaveOut(pod *Pod, reason Reason, message string) Decision {
	decision := Decision{Reason: reason, Message: message}
	decision.warn(string(reason), "%s", message)
	status := Status{Version: i.version, Config: i.hash, Reason: reason, Message: message}
	status.Added.Annotations = []string{AnnotationStatus}
	text := status.String()
	if pod.Metadata.Annotations[AnnotationStatus] != text {
		decision.Patch, decision.Status = []jsonpatch.Operation{annotate(AnnotationStatus, text)}, &status
	}
	return decision
}

func hasContainer(pod *Pod, name string) bool {
	return indexOf(pod.Spec.Containers, name) >= 0 || indexOf(pod.Spec.InitContainers, name) >= 0
}

func annotationPath(key string) *field.Path {
	return field.NewPath("metadata", "annotations").Key(key)
}
