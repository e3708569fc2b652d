package config

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// systemFolders belong to the operating system, be it the node's or the image's.
var systemFolders = []string{"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "usr"}

// sharedFolders hold folders of many owners: fine to make one's own in, not to take over.
var sharedFolders = []string{"/home", "/mnt", "/opt", "/root", "/srv", "/var", "/var/lib", "/var/log"}

// clusterFolders are the node agents' own, with all that is in them.
var clusterFolders = []string{"/var/lib/containerd", "/var/lib/containers", "/var/lib/cni", "/var/lib/docker", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/rancher"}

func (h *HostMonitoring) validate(path *field.Path) field.ErrorList {
	errs := checkPath(path.Child("hostPath"), h.HostPath)
	errs = append(errs, checkMountPath(path.Child("mountPath"), h.MountPath)...)
	if h.Enabled {
		return errs
	}
	if h.HostNetwork {
		errs = append(errs, field.Forbidden(path.Child("hostNetwork"), "needs hostMonitoring.enabled: without it PCP has no use for the node's network"))
	}
	if h.ProcessDetails {
		errs = append(errs, field.Forbidden(path.Child("processDetails"), "needs hostMonitoring.enabled: without it no processes but the pod's are seen"))
	}
	return errs
}

// checkMountPath keeps the node's files out of the way of the image's. All of /var counts: PCP's own files are all over it.
func checkMountPath(at *field.Path, text string) field.ErrorList {
	if errs := checkPath(at, text); len(errs) > 0 {
		return errs
	}
	top := topFolder(text)
	if top == "" || top == "var" || slices.Contains(systemFolders, top) {
		return field.ErrorList{field.Invalid(at, text, "would hide files that PCP needs: use a folder of its own, e.g. /host")}
	}
	return nil
}

// checkDataPath checks a folder of the node that PCP is going to own.
func checkDataPath(at *field.Path, text string) field.ErrorList {
	if errs := checkPath(at, text); len(errs) > 0 {
		return errs
	}
	top := topFolder(text)
	if top == "" || slices.Contains(systemFolders, top) || slices.Contains(sharedFolders, text) || inClusterFolder(text) {
		return field.ErrorList{field.Invalid(at, text, "is not PCP's to own: use a folder of its own, e.g. "+hostDataPath+"data")}
	}
	return nil
}

func inClusterFolder(text string) bool {
	return slices.ContainsFunc(clusterFolders, func(folder string) bool { return strings.HasPrefix(text+"/", folder+"/") })
}

// topFolder is the first part of an absolute path.
func topFolder(text string) string {
	top, _, _ := strings.Cut(strings.TrimPrefix(text, "/"), "/")
	return top
}
