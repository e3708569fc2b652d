package mutate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// files are the administrator's files, the CAs for the agent openmetrics and the rules for pmie. They are in one volume, each at its own
// path, and the steps take them from there. They are not mounted one by one (subPath): such a mount never changes, and if the ConfigMap is
// missing, the kubelet makes a folder in the file's place.
func (i *Injector) files(s *settings) []config.File {
	files := slices.Clone(i.cfg.Container.Files)
	if i.trustsMore(s) {
		files = append(files, config.File{Path: "/ca.crt", FileSource: i.cfg.OpenMetrics.CABundle, Mode: config.ModeReadable})
	}
	if i.hasRules(s) {
		files = append(files, config.File{Path: "/pmie.rules", FileSource: i.cfg.PMIE.Rules, Mode: config.ModeReadable})
	}
	return files
}

func pathsOf(files []config.File) string {
	paths := make([]string, len(files))
	for n, file := range files {
		paths[n] = file.Path
	}
	return strings.Join(paths, " ")
}

func filesVolume(files []config.File) corev1.Volume {
	volume := &corev1.ProjectedVolumeSource{DefaultMode: new(config.ModeReadable)}
	for _, file := range files {
		volume.Sources = append(volume.Sources, projection(file))
	}
	return corev1.Volume{Name: volumeFiles, VolumeSource: corev1.VolumeSource{Projected: volume}}
}

// projection is optional, so the pod never hangs on what does not exist.
func projection(file config.File) corev1.VolumeProjection {
	items := []corev1.KeyToPath{{Key: file.Key, Path: strings.TrimPrefix(file.Path, "/"), Mode: new(file.Mode)}}
	if file.Secret != "" {
		return corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: file.Secret}, Items: items, Optional: new(true),
		}}
	}
	return corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
		LocalObjectReference: corev1.LocalObjectReference{Name: file.ConfigMap}, Items: items, Optional: new(true),
	}}
}
