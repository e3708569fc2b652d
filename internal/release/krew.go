package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// krewPlugin is the manifest of a plugin, https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest.
type krewPlugin struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Metadata   krewMetadata `json:"metadata"`
	Spec       krewSpec     `json:"spec"`
}

type krewMetadata struct {
	Name string `json:"name"`
}

type krewSpec struct {
	Version          string         `json:"version"`
	Homepage         string         `json:"homepage"`
	ShortDescription string         `json:"shortDescription"`
	Description      string         `json:"description"`
	Platforms        []krewPlatform `json:"platforms"`
}

type krewPlatform struct {
	Selector krewSelector `json:"selector"`
	URI      string       `json:"uri"`
	SHA256   string       `json:"sha256"`
	Bin      string       `json:"bin"`
}

type krewSelector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// writeKrew writes the manifest that the index of krew takes: kubectl krew install pcp.
func (r *Release) writeKrew() error {
	plugin := krewPlugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2",
		Kind:       "Plugin",
		Metadata:   krewMetadata{Name: "pcp"},
		Spec: krewSpec{
			Version:          r.Version,
			Homepage:         repository,
			ShortDescription: "Explain, verify and rehearse PCP injection",
			Description: "Shows why a pod has Performance Co-Pilot injected or not, compares live pods\n" +
				"with what they should be, rehearses an injection, and injects manifests without\na cluster.\n",
		},
	}
	for _, p := range r.Plugin {
		name := r.archiveName(p)
		sum, err := sum(r.path(name))
		if err != nil {
			return err
		}
		plugin.Spec.Platforms = append(plugin.Spec.Platforms, krewPlatform{
			Selector: krewSelector{MatchLabels: map[string]string{"os": p.OS, "arch": p.Arch}},
			URI:      r.asset(name), SHA256: sum, Bin: executableName(p),
		})
	}
	content, err := yaml.Marshal(plugin)
	if err != nil {
		return fmt.Errorf("failed to encode: %w", err)
	}
	return r.write("pcp.yaml", content)
}

// sumsName is the file that sha256sum --check reads.
const sumsName = "SHA256SUMS"

// writeSums writes the SHA-256 of every file that is published separately. The image has its digest.
func (r *Release) writeSums() error {
	entries, err := os.ReadDir(r.Out)
	if err != nil {
		return fmt.Errorf("failed to list the files: %w", err)
	}
	var lines []string
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		sum, err := sum(r.path(entry.Name()))
		if err != nil {
			return err
		}
		lines = append(lines, sum+"  "+entry.Name()+"\n")
	}
	slices.Sort(lines)
	return r.write(sumsName, []byte(strings.Join(lines, "")))
}

func sum(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: failed to read: %w", filepath.Base(path), err)
	}
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:]), nil
}
