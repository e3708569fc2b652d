package config

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var volumeTypes = []VolumeType{VolumePersistentVolumeClaim, VolumeHostPath, VolumeEphemeral, VolumeEmptyDir, VolumeNone}

// accessModes has no ReadOnlyMany, because PCP writes.
var accessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteOncePod, corev1.ReadWriteMany}

func (c *InjectorConfig) validatePersistence(at *field.Path) field.ErrorList {
	p := &c.Persistence
	logger, proxy := at.Child("pmlogger"), at.Child("pmproxy")
	errs := p.PMLogger.validate(logger)
	errs = append(errs, p.PMProxy.validate(proxy)...)
	errs = append(errs, p.validateSharing(proxy)...)
	if c.Target.Kind == KindDaemonSet {
		errs = append(errs, c.validateNodeVolume(logger, ServicePMLogger, &p.PMLogger.Volume)...)
		errs = append(errs, c.validateNodeVolume(proxy, ServicePMProxy, &p.PMProxy)...)
	}
	if p.FixOwnership && !p.PMLogger.ownedByRoot() && !p.PMProxy.ownedByRoot() {
		errs = append(errs, field.Invalid(at.Child("fixOwnership"), true,
			"has nothing to do: no volume is a PersistentVolumeClaim, a HostPath or Ephemeral"))
	}
	return errs
}

// minLimit leaves room for values: each archive has a tenth of it, and begins with the descriptions of all metrics.
var minLimit = resource.MustParse("10Mi")

// Limit is the most that all archives together may take, in bytes; 0 if only the file system limits them.
func (a *Archives) Limit() int64 {
	switch {
	case a.MaxSize != nil:
		return a.MaxSize.Value()
	case a.Size != nil:
		return ShareForArchives(a.Size.Value())
	}
	return 0
}

// ShareForArchives is the part of a volume that archives may use, in bytes. The rest is for the archive that is being written beyond the
// limit, for compression and for logs.
func ShareForArchives(volume int64) int64 { return volume / 10 * 8 }

func (a *Archives) validate(at *field.Path) field.ErrorList {
	errs := a.Volume.validate(at)
	for _, number := range []struct {
		key         string
		value, most int32
		unit        string
	}{{"interval", a.Interval, MaxInterval, "seconds"}, {"retention", a.Retention, 3650, "days"}} {
		if number.value < 1 || number.value > number.most {
			errs = append(errs, field.Invalid(at.Child(number.key), number.value, fmt.Sprintf("must be from 1 to %d %s", number.most, number.unit)))
		}
	}
	return append(errs, a.validateLimit(at)...)
}

func (a *Archives) validateLimit(at *field.Path) field.ErrorList {
	limit := a.MaxSize
	switch {
	case limit == nil && a.Size != nil && a.Size.Sign() > 0 && a.Limit() < minLimit.Value():
		return field.ErrorList{field.Invalid(at.Child("size"), a.Size.String(), "must be 13Mi or more: archives take up to 80 % of it, and need 10Mi")}
	case limit != nil && limit.Cmp(minLimit) < 0:
		return field.ErrorList{field.Invalid(at.Child("maxSize"), limit.String(), "must be 10Mi or more")}
	case limit != nil && a.Size != nil && limit.Value() > ShareForArchives(a.Size.Value()):
		return field.ErrorList{field.Invalid(at.Child("maxSize"), limit.String(), fmt.Sprintf("must not be more than 80 %% of size, which is %s: the archives would fill the volume", a.Size))}
	}
	return nil
}

func (v *Volume) validate(at *field.Path) field.ErrorList {
	if errs := oneOf(at.Child("type"), v.Type, volumeTypes...); len(errs) > 0 {
		return errs // what else is allowed depends on it
	}
	errs := v.validateUnused(at)
	errs = append(errs, checkOptionalName(at.Child("claimName"), v.ClaimName, validation.IsDNS1123Subdomain)...)
	errs = append(errs, checkOptionalName(at.Child("storageClassName"), v.StorageClassName, validation.IsDNS1123Subdomain)...)
	if v.AccessMode != "" {
		errs = append(errs, oneOf(at.Child("accessMode"), v.AccessMode, accessModes...)...)
	}
	if v.Size != nil && v.Size.Sign() <= 0 {
		errs = append(errs, field.Invalid(at.Child("size"), v.Size.String(), "must be more than 0"))
	}
	if v.Type == VolumeHostPath {
		errs = append(errs, checkDataPath(at.Child("path"), v.Path)...)
	}
	return errs
}

// validateUnused refuses the fields that the volume's type does not use.
func (v *Volume) validateUnused(at *field.Path) field.ErrorList {
	claim := []VolumeType{VolumePersistentVolumeClaim}
	claims := []VolumeType{VolumePersistentVolumeClaim, VolumeEphemeral}
	var errs field.ErrorList
	for _, f := range []struct {
		key   string
		given bool
		types []VolumeType
	}{
		{"claimName", v.ClaimName != "", claim},
		{"path", v.Path != "", []VolumeType{VolumeHostPath}},
		{"accessMode", v.AccessMode != "", claims},
		{"storageClassName", v.StorageClassName != "", claims},
		{"size", v.Size != nil, append(claims, VolumeEmptyDir)},
	} {
		if f.given && !slices.Contains(f.types, v.Type) {
			errs = append(errs, field.Forbidden(at.Child(f.key), fmt.Sprintf("does not apply to type %s: remove it, or set type to %s", v.Type, join(f.types))))
		}
	}
	return errs
}

func join(types []VolumeType) string {
	names := make([]string, len(types))
	for n, t := range types {
		names[n] = string(t)
	}
	return strings.Join(names, " or ")
}

// ownedByRoot reports whether a fresh volume may belong to root alone; an EmptyDir is writable by all.
func (v *Volume) ownedByRoot() bool {
	return v.Type == VolumePersistentVolumeClaim || v.Type == VolumeHostPath || v.Type == VolumeEphemeral
}

// validateSharing refuses one folder for both services, because each cleans up what it takes for its own.
func (p *Persistence) validateSharing(at *field.Path) field.ErrorList {
	logger, proxy := p.PMLogger, p.PMProxy
	switch {
	case logger.Type != proxy.Type:
		return nil
	case proxy.Type == VolumePersistentVolumeClaim && logger.ClaimName == proxy.ClaimName:
		return field.ErrorList{field.Invalid(at.Child("claimName"), proxy.ClaimName,
			"is also the claim of persistence.pmlogger: each needs its own")}
	case proxy.Type == VolumeHostPath && (isWithin(logger.Path, proxy.Path) || isWithin(proxy.Path, logger.Path)):
		return field.ErrorList{field.Invalid(at.Child("path"), proxy.Path,
			fmt.Sprintf("must be neither inside nor above the path of persistence.pmlogger, %s", logger.Path))}
	}
	return nil
}

// validateNodeVolume refuses a claim that the pods of all nodes would share. Only pmlogger's claim may be shared: on the node's network,
// each pod has the name of its node, and so a folder of its own. It must be ReadWriteMany, because a claim that only one node can use would
// leave all other pods pending.
func (c *InjectorConfig) validateNodeVolume(at *field.Path, service Service, v *Volume) field.ErrorList {
	if v.Type != VolumePersistentVolumeClaim {
		return nil
	}
	if v.AccessMode != corev1.ReadWriteMany {
		return field.ErrorList{field.Invalid(at.Child("type"), v.Type, fmt.Sprintf(
			"the pods of a DaemonSet cannot share a claim that is %s: use HostPath, Ephemeral or EmptyDir", v.AccessMode))}
	}
	if service == ServicePMLogger && c.HostMonitoring.Enabled && c.HostMonitoring.HostNetwork {
		return nil
	}
	detail := "the pods of a DaemonSet would write to the same files: use HostPath, Ephemeral or EmptyDir"
	if service == ServicePMLogger {
		detail = "the pods of a DaemonSet have no stable host names, so their archives would be mixed up: use HostPath or Ephemeral, or hostMonitoring.hostNetwork"
	}
	return field.ErrorList{field.Invalid(at.Child("type"), v.Type, detail)}
}

var pathPattern = regexp.MustCompile(`^/[A-Za-z0-9._/-]*$`)

// checkPath checks a path that ends up in a pod and in configuration files of PCP.
func checkPath(at *field.Path, text string) field.ErrorList {
	switch {
	case text == "":
		return field.ErrorList{field.Required(at, "must be an absolute path")}
	case !pathPattern.MatchString(text):
		return field.ErrorList{field.Invalid(at, text, "must be an absolute path of letters, digits and . _ - /")}
	case path.Clean(text) != text:
		return field.ErrorList{field.Invalid(at, text, "must have no .., no . and no redundant /: use "+path.Clean(text))}
	}
	return nil
}

// isWithin reports whether a clean path is a folder or lies below it.
func isWithin(text, folder string) bool {
	return text == folder || strings.HasPrefix(text, strings.TrimSuffix(folder, "/")+"/")
}

// systemFolders belong to the operating system of the node or of the image.
var systemFolders = []string{"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "usr"}

// sharedFolders contain folders of many owners: PCP may have its own folder there, but must not take them over.
var sharedFolders = []string{"/home", "/mnt", "/opt", "/root", "/srv", "/var", "/var/lib", "/var/log"}

// clusterFolders belong to the node's agents, with everything in them.
var clusterFolders = []string{"/var/lib/containerd", "/var/lib/containers", "/var/lib/cni", "/var/lib/docker", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/rancher"}

func (h *HostMonitoring) validate(path *field.Path) field.ErrorList {
	errs := checkPath(path.Child("hostPath"), h.HostPath)
	errs = append(errs, checkMountPath(path.Child("mountPath"), h.MountPath)...)
	if h.Enabled {
		return errs
	}
	if h.HostNetwork {
		errs = append(errs, field.Forbidden(path.Child("hostNetwork"), "needs hostMonitoring.enabled: without it, PCP has no use for the node's network"))
	}
	if h.ProcessDetails {
		errs = append(errs, field.Forbidden(path.Child("processDetails"), "needs hostMonitoring.enabled: without it, PCP sees only the pod's processes"))
	}
	return errs
}

// checkMountPath refuses to hide the image's files. It refuses all of /var, because PCP's own files are all over it.
func checkMountPath(at *field.Path, text string) field.ErrorList {
	if errs := checkPath(at, text); len(errs) > 0 {
		return errs
	}
	top := topFolder(text)
	if top == "" || top == "var" || slices.Contains(systemFolders, top) {
		return field.ErrorList{field.Invalid(at, text, "would hide files that PCP needs: use a separate folder, e.g. /host")}
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
		return field.ErrorList{field.Invalid(at, text, "must not be owned by PCP: use a separate folder, e.g. "+hostDataPath+"data")}
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
