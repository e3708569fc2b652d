package main

import (
	"bytes"
	"encoding/json"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Limits on what is kept of a review: an empty object in a list costs its sender 3 bytes, and would cost the injector up to 150.
const (
	maxContainers = 128
	// maxPorts is for each container.
	maxPorts = 256
	// maxMounts is for each container, of file systems and of devices.
	maxMounts = 256
	// maxNames is for volumes and sysctls.
	maxNames  = 1024
	maxOwners = 64
	// maxEntries is for annotations, labels, the node selector and the pod's own resources.
	maxEntries = 4096
	// maxValue is the API server's own limit for all annotations together.
	maxValue = 256 << 10
	// maxText is for all other text. The API server allows names of 253 characters.
	maxText = 4096
	// maxAmount is for a quantity.
	maxAmount = 256
)

// The functions below name each field of mutate.Pod once. TestEveryFieldIsRead finds a forgotten one.

func readPod(r *reader, pod *mutate.Pod) {
	r.object(func(name []byte) {
		switch string(name) {
		case "metadata":
			readMetadata(r, &pod.Metadata)
		case "spec":
			readSpec(r, &pod.Spec)
		default:
			r.skip()
		}
	})
}

func readMetadata(r *reader, meta *mutate.Metadata) {
	r.object(func(name []byte) {
		switch string(name) {
		case "name":
			r.text(&meta.Name)
		case "generateName":
			r.text(&meta.GenerateName)
		case "labels":
			meta.Labels = readMap(r, meta.Labels, readEntry)
		case "annotations":
			meta.Annotations = readMap(r, meta.Annotations, readEntry)
		case "ownerReferences":
			readList(r, &meta.OwnerReferences, maxOwners, readOwner)
		default:
			r.skip()
		}
	})
}

// readEntry reads the value of a label or an annotation.
func readEntry(r *reader) string { return r.textWithin(maxValue) }

func readOwner(r *reader, owner *mutate.OwnerReference) {
	r.object(func(name []byte) {
		switch string(name) {
		case "apiVersion":
			r.text(&owner.APIVersion)
		case "kind":
			r.text(&owner.Kind)
		case "name":
			r.text(&owner.Name)
		case "controller":
			r.boolean(&owner.Controller)
		default:
			r.skip()
		}
	})
}

//nolint:cyclop // one case for each field
func readSpec(r *reader, spec *mutate.Spec) {
	r.object(func(name []byte) {
		switch string(name) {
		case "containers":
			readList(r, &spec.Containers, maxContainers, readContainer)
		case "initContainers":
			readList(r, &spec.InitContainers, maxContainers, readContainer)
		case "ephemeralContainers":
			readList(r, &spec.EphemeralContainers, maxContainers, readContainer)
		case "volumes":
			readList(r, &spec.Volumes, maxNames, readNamed)
		case "nodeSelector":
			spec.NodeSelector = readMap(r, spec.NodeSelector, readEntry)
		case "os":
			optional(r, &spec.OS, readNamed)
		case "restartPolicy":
			r.text(&spec.RestartPolicy)
		case "dnsPolicy":
			optional(r, &spec.DNSPolicy, (*reader).text)
		case "hostname":
			optional(r, &spec.Hostname, (*reader).text)
		case "hostnameOverride":
			optional(r, &spec.HostnameOverride, (*reader).text)
		case "hostNetwork":
			optional(r, &spec.HostNetwork, (*reader).boolean)
		case "hostPID":
			r.boolean(&spec.HostPID)
		case "shareProcessNamespace":
			r.boolean(&spec.ShareProcessNamespace)
		case "hostUsers":
			optional(r, &spec.HostUsers, (*reader).boolean)
		case "terminationGracePeriodSeconds":
			optional(r, &spec.TerminationGracePeriodSeconds, (*reader).integer)
		case "resources":
			optional(r, &spec.Resources, readPodResources)
		case "securityContext":
			optional(r, &spec.SecurityContext, readSecurityContext)
		default:
			r.skip()
		}
	})
}

func readNamed(r *reader, named *mutate.Named) {
	r.object(func(name []byte) {
		if string(name) == "name" {
			r.text(&named.Name)
		} else {
			r.skip()
		}
	})
}

func readSecurityContext(r *reader, context *mutate.SecurityContext) {
	r.object(func(name []byte) {
		switch string(name) {
		case "sysctls":
			readList(r, &context.Sysctls, maxNames, readNamed)
		case "windowsOptions":
			optional(r, &context.WindowsOptions, func(r *reader, _ *struct{}) { r.object(func([]byte) { r.skip() }) })
		default:
			r.skip()
		}
	})
}

func readContainer(r *reader, container *mutate.Container) {
	r.object(func(name []byte) {
		switch string(name) {
		case "name":
			r.text(&container.Name)
		case "ports":
			readList(r, &container.Ports, maxPorts, readPort)
		case "resources":
			readResources(r, &container.Resources)
		case "restartPolicy":
			r.text(&container.RestartPolicy)
		case "volumeMounts":
			readList(r, &container.VolumeMounts, maxMounts, readNamed)
		case "volumeDevices":
			readList(r, &container.VolumeDevices, maxMounts, readNamed)
		default:
			r.skip()
		}
	})
}

func readPort(r *reader, port *mutate.Port) {
	r.object(func(name []byte) {
		switch string(name) {
		case "name":
			r.text(&port.Name)
		case "containerPort":
			r.integer(&port.ContainerPort)
		case "hostPort":
			r.integer(&port.HostPort)
		case "protocol":
			r.text(&port.Protocol)
		default:
			r.skip()
		}
	})
}

func readResources(r *reader, resources *mutate.Resources) {
	r.object(func(name []byte) {
		switch string(name) {
		case "requests":
			readAmounts(r, &resources.Requests)
		case "limits":
			readAmounts(r, &resources.Limits)
		default:
			r.skip()
		}
	})
}

func readAmounts(r *reader, amounts *mutate.Amounts) {
	r.object(func(name []byte) {
		switch string(name) {
		case "cpu":
			amounts.CPU = readAmount(r)
		case "memory":
			amounts.Memory = readAmount(r)
		default:
			r.skip()
		}
	})
}

func readPodResources(r *reader, resources *mutate.PodResources) {
	r.object(func(name []byte) {
		switch string(name) {
		case "requests":
			resources.Requests = readMap(r, resources.Requests, readAmount)
		case "limits":
			resources.Limits = readMap(r, resources.Limits, readAmount)
		default:
			r.skip()
		}
	})
}

// readAmount keeps a quantity as it is written.
func readAmount(r *reader) json.RawMessage {
	value := r.value()
	if len(value) > maxAmount {
		r.tooLarge(maxAmount, "bytes")
		return nil
	}
	return json.RawMessage(bytes.Clone(value))
}
