package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// FindSubject reads an object of the cluster, and for a pod the workload that it belongs to.
func (r *Reader) FindSubject(ctx context.Context, kind *Kind, namespace, name string) (*Subject, error) {
	object, err := r.get(ctx, kind, namespace, name)
	if err != nil {
		return nil, fmt.Errorf("failed to read %s/%s: %w", kind.Names[0], name, err)
	}
	subject, err := newSubject(object, kind, namespace)
	if err != nil {
		return nil, err
	}
	subject.Stored = true
	if err := r.findOwner(ctx, subject); err != nil {
		return nil, err
	}
	return subject, nil
}

// StandardInput stands for a file's name.
const StandardInput = "standard input"

// SubjectFrom is a workload from a file.
func SubjectFrom(workload *manifest.Workload, file, namespace string) (*Subject, error) {
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(workload.Object); err != nil {
		return nil, fmt.Errorf("failed to read the object: %w", err)
	}
	kind := kindNamed(object.GetKind(), object.GetAPIVersion())
	if kind == nil {
		return nil, fmt.Errorf("%s/%s: kind %s of %s has no pod template that is known here", object.GetKind(), object.GetName(), object.GetKind(), object.GetAPIVersion())
	}
	if given := object.GetNamespace(); given != "" {
		namespace = given
	}
	if err := checkNames(&object, namespace); err != nil {
		return nil, err
	}
	subject, err := newSubject(&object, kind, namespace)
	if err != nil {
		return nil, err
	}
	subject.File = file
	return subject, checkContainers(subject)
}

// checkNames refuses names that no API server accepts, because remedies repeat them in commands, which people paste into a shell.
func checkNames(object *unstructured.Unstructured, namespace string) error {
	if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
		return fmt.Errorf("%s: metadata.namespace is %q: %s", object.GetKind(), namespace, problems[0])
	}
	if name := object.GetName(); name != "" {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			return fmt.Errorf("%s: metadata.name is %q: %s", object.GetKind(), name, problems[0])
		}
	}
	return nil
}

// checkContainers does the same for the names of containers.
func checkContainers(subject *Subject) error {
	var pod mutate.Pod
	if err := manifest.Decode(subject.Workload.Template, &pod); err != nil {
		return fmt.Errorf("%s: %w", subject.Argument, err)
	}
	for n := range pod.Spec.Containers {
		name := pod.Spec.Containers[n].Name
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			return fmt.Errorf("%s: the name of container %d is %q: %s", subject.Argument, n+1, name, problems[0])
		}
	}
	return nil
}

func newSubject(object *unstructured.Unstructured, kind *Kind, namespace string) (*Subject, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("failed to encode the object: %w", err)
	}
	workloads, err := manifest.WorkloadsOf(data)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", kind.Names[0], object.GetName(), err)
	}
	if len(workloads) != 1 || workloads[0].Template == nil {
		return nil, fmt.Errorf("%s/%s: %w", kind.Names[0], object.GetName(), ErrNoTemplate)
	}
	subject := &Subject{
		Argument: kind.Names[0] + "/" + object.GetName(), Namespace: namespace, Kind: kind, Object: object, Workload: workloads[0],
	}
	object.SetNamespace(namespace)
	subject.Owner = mutate.Owner{Kind: kind.Kind, Name: object.GetName()}
	return subject, nil
}

// findOwner follows the controllers up to the workload that a user made.
func (r *Reader) findOwner(ctx context.Context, subject *Subject) error {
	object := subject.Object
	for {
		controller := metav1.GetControllerOf(object)
		if controller == nil {
			return nil
		}
		subject.Owner = mutate.Owner{Kind: controller.Kind, Name: controller.Name}
		kind := kindNamed(controller.Kind, controller.APIVersion)
		if kind == nil || kind.Kind == "Pod" {
			subject.OwnerObject = nil
			return nil
		}
		owner, err := r.get(ctx, kind, subject.Namespace, controller.Name)
		if read := (Read[bool]{Err: err}); read.Missing() || read.Unseen() != "" {
			// Forged, deleted, or not readable for this user: the pod itself still says a lot.
			subject.OwnerObject = nil
			return nil
		}
		if err != nil {
			return err
		}
		if owner.GetUID() != controller.UID {
			subject.OwnerObject = nil
			return nil
		}
		subject.OwnerObject, object = owner, owner
	}
}

func (r *Reader) get(ctx context.Context, kind *Kind, namespace, name string) (*unstructured.Unstructured, error) {
	object, err := r.dynamic.Resource(kind.Resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil && object == nil {
		return nil, errors.New("the API server has answered with nothing")
	}
	return object, err //nolint:wrapcheck // the caller says what was read, and asks which error it is
}
