package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Live is what has PCP in a namespace, and the configuration that made it.
type Live struct {
	Namespace string
	Config    *config.InjectorConfig
	Pods      []LivePod
}

// LivePod is a pod with a container of PCP's name.
type LivePod struct {
	Pod *unstructured.Unstructured
	// Template of its workload; nil if that is not known.
	Template *mutate.Pod
	// Subject is the pod with the workload that it belongs to.
	Subject *Subject
}

// Targets are the namespaces that injectors look after.
func (r *Reader) Targets(ctx context.Context) ([]string, error) {
	s := &Snapshot{}
	r.readInjector(ctx, s)
	if s.Webhooks.Err != nil {
		return nil, fmt.Errorf("failed to find the injectors: %w", s.Webhooks.Err)
	}
	var namespaces []string
	for n := range s.Webhooks.Value {
		if namespace := TargetNamespace(&s.Webhooks.Value[n]); namespace != "" && !slices.Contains(namespaces, namespace) {
			namespaces = append(namespaces, namespace)
		}
	}
	if len(namespaces) == 0 {
		return nil, errors.New("no MutatingWebhookConfiguration calls pcp-injector")
	}
	return namespaces, nil
}

// ReadLive reads all pods of a namespace that have PCP.
func (r *Reader) ReadLive(ctx context.Context, namespace string) (*Live, error) {
	s := &Snapshot{Subject: Subject{Namespace: namespace}}
	r.readInjector(ctx, s)
	switch {
	case s.Webhooks.Err != nil:
		return nil, fmt.Errorf("failed to find the injector: %w", s.Webhooks.Err)
	case s.Injector == nil:
		return nil, errors.New("no MutatingWebhookConfiguration calls pcp-injector")
	case s.Injector.Config.Err != nil:
		return nil, fmt.Errorf("failed to read the configuration: %w", s.Injector.Config.Err)
	}
	cfg, err := s.Injector.ParseConfig()
	if err != nil {
		return nil, err
	}
	live := &Live{Namespace: namespace, Config: cfg}
	return live, r.readLivePods(ctx, live)
}

// ParseConfig reads the live configuration as the webhook does when it starts.
func (i *Injector) ParseConfig() (*config.InjectorConfig, error) {
	for name, text := range i.Config.Value.Data {
		return config.Parse([]byte(text), name)
	}
	return nil, errors.New("the ConfigMap is empty")
}

// readLivePods goes by the container's name, because labels may have been removed.
func (r *Reader) readLivePods(ctx context.Context, live *Live) error {
	options := metav1.ListOptions{Limit: MaxPods}
	for {
		list, err := r.dynamic.Resource(Named(config.KindPod).Resource).Namespace(live.Namespace).List(ctx, options)
		if err != nil {
			return fmt.Errorf("failed to list the pods of namespace %s: %w", live.Namespace, err)
		}
		for n := range list.Items {
			pod := &list.Items[n]
			if pod.GetDeletionTimestamp() != nil || !hasPCP(pod) {
				continue
			}
			found, err := r.livePod(ctx, pod)
			if err != nil {
				return err
			}
			live.Pods = append(live.Pods, *found)
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}

func hasPCP(pod *unstructured.Unstructured) bool { return containerOfPCP(pod) != nil }

// containerOfPCP is PCP's container in the pod, also as a native sidecar; nil if there is none.
func containerOfPCP(pod *unstructured.Unstructured) map[string]any {
	for _, list := range []string{"containers", "initContainers"} {
		items, _, _ := unstructured.NestedSlice(pod.Object, "spec", list)
		for _, item := range items {
			if container, ok := item.(map[string]any); ok && container["name"] == mutate.ContainerName {
				return container
			}
		}
	}
	return nil
}

func (r *Reader) livePod(ctx context.Context, pod *unstructured.Unstructured) (*LivePod, error) {
	subject, err := newSubject(pod, Named(config.KindPod), pod.GetNamespace())
	if err != nil {
		return nil, err
	}
	// The ReplicaSet's template is the pod's own. The Deployment's may be newer.
	found := &LivePod{Pod: pod, Subject: subject}
	if controller := metav1.GetControllerOf(pod); controller != nil {
		if kind := kindNamed(controller.Kind, controller.APIVersion); kind != nil {
			if object, err := r.get(ctx, kind, pod.GetNamespace(), controller.Name); err == nil {
				found.Template = TemplateOf(object)
			}
		}
	}
	return found, r.findOwner(ctx, subject)
}

// TemplateOf is a workload's pod template; nil if it has none.
func TemplateOf(object *unstructured.Unstructured) *mutate.Pod {
	if object == nil {
		return nil
	}
	data, err := object.MarshalJSON()
	if err != nil {
		return nil
	}
	workloads, err := manifest.WorkloadsOf(data)
	if err != nil || len(workloads) != 1 || workloads[0].Template == nil {
		return nil
	}
	var template mutate.Pod
	if manifest.Decode(workloads[0].Template, &template) != nil {
		return nil
	}
	return &template
}

// Image of PCP's container.
func (p *LivePod) Image() string {
	image, _ := containerOfPCP(p.Pod)["image"].(string)
	return image
}

// Owner is the workload that the pod belongs to, as far as that can be read.
func (p *LivePod) Owner() mutate.Owner { return p.Subject.Owner }

// Replacer is the workload that replaces the pod when it is restarted, as KIND/NAME; empty if none does, or the pod's owner could not be
// found: anyone who may patch the pod can make one up.
func (p *LivePod) Replacer() string { return p.Subject.Replacer() }
