package mutate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

const (
	volumePMLogger    = VolumePrefix + "pmlogger"
	volumePMProxy     = VolumePrefix + "pmproxy"
	volumeOpenMetrics = VolumePrefix + "openmetrics"
	volumePmlogconf   = VolumePrefix + "pmlogconf"
	volumeFiles       = VolumePrefix + "files"
	volumeHost        = VolumePrefix + "host"
)

// dataVolume is one of the two volumes that hold PCP's data.
type dataVolume struct {
	name, mountPath string
	config.Volume
}

// dataVolumes are the volumes of the services that run.
func (i *Injector) dataVolumes(s *settings) []dataVolume {
	var volumes []dataVolume
	if v := i.cfg.Persistence.PMLogger; s.runs(config.ServicePMLogger) && v.Type != config.VolumeNone {
		volumes = append(volumes, dataVolume{volumePMLogger, "/var/log/pcp/pmlogger", v.Volume})
	}
	if v := i.cfg.Persistence.PMProxy; s.runs(config.ServicePMProxy) && v.Type != config.VolumeNone {
		volumes = append(volumes, dataVolume{volumePMProxy, "/var/log/pcp/pmproxy", v})
	}
	return volumes
}

func (i *Injector) volumes(s *settings) []corev1.Volume {
	var volumes []corev1.Volume
	for _, d := range i.dataVolumes(s) {
		volumes = append(volumes, corev1.Volume{Name: d.name, VolumeSource: volumeSource(d.Volume)})
	}
	if i.readsOpenMetrics(s) {
		volumes = append(volumes, i.openMetricsVolume(s))
	}
	if i.archivesOpenMetrics(s) {
		volumes = append(volumes, projectedVolume(volumePmlogconf, []file{{"openmetrics", AnnotationPmlogconf}}, i.cfg.OpenMetrics.PmlogconfConfigMapName))
	}
	if files := i.files(s); len(files) > 0 {
		volumes = append(volumes, filesVolume(files))
	}
	if host := i.cfg.HostMonitoring; host.Enabled {
		volumes = append(volumes, corev1.Volume{Name: volumeHost, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: host.HostPath, Type: new(corev1.HostPathDirectory)}}})
	}
	return volumes
}

// safeToEvict are the volumes for AnnotationSafeToEvict. Of those that Cluster Autoscaler counts as local (hostPath, and emptyDir on disk),
// only the view of the node loses nothing: the others hold data, which it should not throw away.
func (i *Injector) safeToEvict() string {
	if i.cfg.HostMonitoring.Enabled {
		return volumeHost
	}
	return ""
}

// openMetricsVolume is one read-only volume. It is mounted even if it is empty, because it hides the image's stock sources, which would
// read ports of the user's own pod.
func (i *Injector) openMetricsVolume(s *settings) corev1.Volume {
	var files []file
	for _, s := range s.sources {
		files = append(files, file{s.name + ".url", s.key})
	}
	volume := projectedVolume(volumeOpenMetrics, files, i.cfg.OpenMetrics.ConfigMapName)
	if name := i.cfg.OpenMetrics.SecretName; name != "" {
		volume.Projected.Sources = append(volume.Projected.Sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: new(true),
		}})
	}
	return volume
}

// file is a file that an annotation of the pod holds.
type file struct {
	path, annotation string
}

// projectedVolume puts the files of the pod's annotations and those of a ConfigMap, which need not exist, into one folder. Of two files
// with one name, the last wins: the administrator's. All may read the files and none may execute them, because PCP's agents run as their
// own user, and run what is executable.
func projectedVolume(name string, files []file, configMap string) corev1.Volume {
	volume := &corev1.ProjectedVolumeSource{DefaultMode: new(int32(0o444))}
	if len(files) > 0 {
		items := &corev1.DownwardAPIProjection{}
		for _, f := range files {
			items.Items = append(items.Items, corev1.DownwardAPIVolumeFile{
				Path:     f.path,
				FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.annotations['" + f.annotation + "']"},
			})
		}
		volume.Sources = append(volume.Sources, corev1.VolumeProjection{DownwardAPI: items})
	}
	if configMap != "" {
		volume.Sources = append(volume.Sources, corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: configMap}, Optional: new(true),
		}})
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: volume}}
}

func volumeSource(v config.Volume) corev1.VolumeSource {
	switch v.Type {
	case config.VolumePersistentVolumeClaim:
		return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: v.ClaimName}}
	case config.VolumeHostPath:
		return corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: v.Path, Type: new(corev1.HostPathDirectoryOrCreate)}}
	case config.VolumeEphemeral:
		return corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: claimTemplate(v)}}
	case config.VolumeEmptyDir:
		return corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: v.Size}}
	case config.VolumeNone:
	}
	return corev1.VolumeSource{}
}

func claimTemplate(v config.Volume) *corev1.PersistentVolumeClaimTemplate {
	spec := corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{v.AccessMode},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: *v.Size}},
	}
	if v.StorageClassName != "" {
		spec.StorageClassName = &v.StorageClassName
	}
	return &corev1.PersistentVolumeClaimTemplate{ObjectMeta: metav1.ObjectMeta{}, Spec: spec}
}

// volumeMounts are those of the PCP container.
func (i *Injector) volumeMounts(s *settings) []corev1.VolumeMount {
	var mounts []corev1.VolumeMount
	for _, d := range i.dataVolumes(s) {
		mounts = append(mounts, corev1.VolumeMount{Name: d.name, MountPath: d.mountPath})
	}
	if i.readsOpenMetrics(s) {
		mounts = append(mounts, corev1.VolumeMount{Name: volumeOpenMetrics, MountPath: "/var/lib/pcp/pmdas/openmetrics/config.d", ReadOnly: true})
	}
	if i.archivesOpenMetrics(s) {
		mounts = append(mounts, corev1.VolumeMount{Name: volumePmlogconf, MountPath: "/var/lib/pcp/config/pmlogconf/openmetrics", ReadOnly: true})
	}
	if len(i.files(s)) > 0 {
		mounts = append(mounts, corev1.VolumeMount{Name: volumeFiles, MountPath: "/var/lib/pcp-files", ReadOnly: true})
	}
	if host := i.cfg.HostMonitoring; host.Enabled {
		mounts = append(mounts, corev1.VolumeMount{Name: volumeHost, MountPath: host.MountPath, ReadOnly: true, MountPropagation: new(corev1.MountPropagationHostToContainer)})
	}
	return mounts
}
