package snapshot

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/performancecopilot/pcp-injector/internal/spelling"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// Kind is a kind of object that has a pod template, or a pod.
type Kind struct {
	Kind     string
	Resource schema.GroupVersionResource
	// Names by which kubectl knows it. The first is the one to show.
	Names []string
}

// shortNames are kubectl's.
var shortNames = map[config.TargetKind]string{
	config.KindPod: "po", config.KindDeployment: "deploy", config.KindStatefulSet: "sts", config.KindDaemonSet: "ds",
	config.KindReplicaSet: "rs", config.KindReplicationController: "rc", config.KindCronJob: "cj",
}

// Kinds are the known ones. The table saves the requests of a discovery.
var Kinds = knownKinds()

func knownKinds() []Kind {
	kinds := make([]Kind, len(config.Kinds))
	for n := range config.Kinds {
		known := &config.Kinds[n]
		names := []string{strings.ToLower(string(known.Kind)), known.Resource}
		if short := shortNames[known.Kind]; short != "" {
			names = append(names, short)
		}
		kinds[n] = Kind{string(known.Kind), schema.GroupVersionResource{Group: known.Group, Version: "v1", Resource: known.Resource}, names}
	}
	return kinds
}

// Named finds a known kind; nil for a custom one.
func Named(kind config.TargetKind) *Kind {
	for n := range Kinds {
		if Kinds[n].Kind == string(kind) {
			return &Kinds[n]
		}
	}
	return nil
}

// ParseArgument reads pod/NAME, deploy/NAME and the like.
func ParseArgument(argument string) (*Kind, string, error) {
	word, name, found := strings.Cut(argument, "/")
	if !found || name == "" || strings.Contains(name, "/") {
		return nil, "", fmt.Errorf("%q is not KIND/NAME, e.g. deployment/node-monitor", argument)
	}
	kindOf, _, _ := strings.Cut(strings.ToLower(word), ".")
	for n := range Kinds {
		if slices.Contains(Kinds[n].Names, kindOf) {
			return &Kinds[n], name, nil
		}
	}
	known := make([]string, len(Kinds))
	for n := range Kinds {
		known[n] = Kinds[n].Names[0]
	}
	if meant := spelling.Nearest(kindOf, known); meant != "" {
		return nil, "", fmt.Errorf("unknown kind %q: did you mean %s/%s?", word, meant, name)
	}
	return nil, "", fmt.Errorf("unknown kind %q: must be one of %s", word, strings.Join(known, ", "))
}

func kindNamed(kind, apiVersion string) *Kind {
	for n := range Kinds {
		if Kinds[n].Kind == kind && Kinds[n].Resource.GroupVersion().String() == apiVersion {
			return &Kinds[n]
		}
	}
	return nil
}
