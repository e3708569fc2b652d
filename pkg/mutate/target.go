package mutate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// checkTarget returns an empty reason for a pod of the target that a trusted creator made, and otherwise why it is not one.
func (i *Injector) checkTarget(req Request) (Reason, string) {
	target := i.cfg.Target
	owners := ownersOf(req)
	match := Owner{Kind: string(target.Kind), Name: target.Name}
	if req.Namespace != target.Namespace || !slices.Contains(owners, match) {
		return ReasonNotDesignated, fmt.Sprintf("the pod belongs to %s in namespace %q, but only %s in namespace %q, the configured target, gets PCP",
			owners[len(owners)-1], req.Namespace, match, target.Namespace)
	}
	if req.Owner == nil && len(target.TrustedCreators) > 0 && !slices.Contains(target.TrustedCreators, req.Username) {
		return ReasonUntrustedCreator, fmt.Sprintf("the pod claims to belong to %s, but user %q created it, and target.trustedCreators allows only %s",
			match, req.Username, strings.Join(target.TrustedCreators, ", "))
	}
	return "", ""
}

// ownersOf are the workloads that the pod belongs to, the nearest first: a ReplicaSet, then its Deployment.
func ownersOf(req Request) []Owner {
	if req.Owner != nil {
		return []Owner{*req.Owner}
	}
	for _, ref := range req.Pod.Metadata.OwnerReferences {
		if ref.Controller {
			return ownersThrough(ref, req.Pod.Metadata.Labels)
		}
	}
	return []Owner{{Kind: string(config.KindPod), Name: req.Pod.Metadata.Name}}
}

// ownersThrough follows an ownerReference by names alone, because nothing may be looked up. The names are made in
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/deployment/sync.go (getNewReplicaSet) and
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/cronjob/utils.go (getJobName).
func ownersThrough(ref OwnerReference, labels map[string]string) []Owner {
	kind := config.TargetKind(ref.Kind)
	group, _, hasGroup := strings.Cut(ref.APIVersion, "/")
	if !hasGroup {
		group = ""
	}
	if known := config.KnownKind(kind); known != nil && known.Group != group {
		return []Owner{{Kind: ref.Kind + "." + group, Name: ref.Name}}
	}
	owners := []Owner{{Kind: ref.Kind, Name: ref.Name}}
	switch kind {
	case config.KindPod:
		// Pods do not control pods: a user who may create pods wrote this reference to use another pod's name.
		owners[0].Kind = "owning Pod"
	case config.KindReplicaSet:
		if hash := labels["pod-template-hash"]; hash != "" && strings.HasSuffix(ref.Name, "-"+hash) {
			owners = append(owners, Owner{Kind: string(config.KindDeployment), Name: strings.TrimSuffix(ref.Name, "-"+hash)})
		}
	case config.KindJob:
		if at := strings.LastIndexByte(ref.Name, '-'); at > 0 && isDigits(ref.Name[at+1:]) {
			owners = append(owners, Owner{Kind: string(config.KindCronJob), Name: ref.Name[:at]})
		}
	}
	return owners
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// String names the workload as users do.
func (o Owner) String() string {
	if o.Name == "" {
		return "a bare " + o.Kind + " without a name"
	}
	return fmt.Sprintf("%s %q", o.Kind, o.Name)
}
