package config

import (
	"cmp"
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	// DefaultImage is a release of upstream's image. latest moves, so nodes that pull it on different days would run different PCPs.
	DefaultImage = "ghcr.io/performancecopilot/pcp:7.2.0"

	controllerPrefix = "system:serviceaccount:kube-system:"
	hostDataPath     = "/var/lib/pcp-injector/"
)

// Default returns the configuration of an empty file, before Complete.
func Default() *InjectorConfig {
	return &InjectorConfig{
		APIVersion:     APIVersion,
		Kind:           Kind,
		Target:         Target{Namespace: "monitoring", Kind: KindDeployment, Name: "node-monitor"},
		Container:      defaultContainer(),
		Persistence:    Persistence{PMLogger: defaultArchives(), PMProxy: Volume{Type: VolumePersistentVolumeClaim}},
		OpenMetrics:    OpenMetrics{Enabled: true, ConfigMapName: "pcp-openmetrics", Archive: true, Interval: 30, PmlogconfConfigMapName: "pcp-pmlogconf"},
		HostMonitoring: HostMonitoring{HostPath: "/", MountPath: "/host"},
		StableHostname: true,
		Overrides:      Overrides{Allow: slices.Clone(AllOverrides)},
	}
}

func defaultArchives() Archives {
	return Archives{Volume: Volume{Type: VolumePersistentVolumeClaim}, Interval: 10, Retention: 14}
}

func defaultContainer() Container {
	return Container{
		Image:           DefaultImage,
		ImagePullPolicy: corev1.PullIfNotPresent,
		Placement:       PlacementAuto,
		Resources: Resources{Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("50m"),
			corev1.ResourceMemory: resource.MustParse("128Mi"),
		}},
		Services:     slices.Clone(Services),
		DomainAgents: []string{},
		Listen:       ListenAuto,
		KeyServers:   []string{"localhost:6379"},
	}
}

// Complete fills in the defaults that depend on other fields. It is idempotent.
func (c *InjectorConfig) Complete() {
	if len(c.Target.TrustedCreators) == 0 {
		c.Target.TrustedCreators = creators(c.Target.Kind)
	}
	if c.Container.DomainAgents == nil {
		c.Container.DomainAgents = []string{} // nil would be written as null, which the reader refuses
	}
	if c.Overrides.Allow == nil {
		c.Overrides.Allow = []Override{}
	}
	for n := range c.Container.Files {
		c.Container.Files[n].complete()
	}
	if c.OpenMetrics.CABundle.IsSet() {
		c.OpenMetrics.CABundle.Key = cmp.Or(c.OpenMetrics.CABundle.Key, "ca.crt")
	}
	if c.PMIE.Rules.IsSet() {
		c.PMIE.Rules.Key = cmp.Or(c.PMIE.Rules.Key, "rules")
	}
	if c.PMIE.Webhook.Secret != "" {
		c.PMIE.Webhook.Key = cmp.Or(c.PMIE.Webhook.Key, "url")
	}
	c.Persistence.PMLogger.complete(string(ServicePMLogger))
	c.Persistence.PMProxy.complete(string(ServicePMProxy))
}

func (f *File) complete() {
	f.Mode = cmp.Or(f.Mode, ModeReadable)
	if f.Key == "" && f.Path != "" {
		f.Key = path.Base(f.Path)
	}
}

func (v *Volume) complete(service string) {
	switch v.Type {
	case VolumePersistentVolumeClaim, VolumeEphemeral:
		v.completeClaim(service)
	case VolumeHostPath:
		if v.Path == "" {
			v.Path = hostDataPath + service
		}
	case VolumeEmptyDir, VolumeNone:
	}
}

func (v *Volume) completeClaim(service string) {
	if v.Type == VolumePersistentVolumeClaim && v.ClaimName == "" {
		v.ClaimName = "pcp-" + service
	}
	if v.AccessMode == "" {
		v.AccessMode = corev1.ReadWriteOnce
	}
	if v.Size == nil && v.Type == VolumeEphemeral {
		size := resource.MustParse("1Gi")
		v.Size = &size
	}
}
