package docs_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// chartMetadata is a Chart.yaml. Artifact Hub's annotations are YAML in YAML: https://artifacthub.io/docs/topics/annotations/helm/
type chartMetadata struct {
	AppVersion  string            `json:"appVersion"`
	Icon        string            `json:"icon"`
	Annotations map[string]string `json:"annotations"`
}

type chartValues struct {
	Image struct {
		Repository string `json:"repository"`
		Tag        string `json:"tag"`
	} `json:"image"`
	Test struct {
		Image string `json:"image"`
	} `json:"test"`
}

// charts are the metadata and values of each chart, by name.
func charts(t *testing.T) (metadata map[string]chartMetadata, values map[string]chartValues) {
	t.Helper()
	metadata, values = map[string]chartMetadata{}, map[string]chartValues{}
	for _, name := range []string{"pcp", "pcp-injector"} {
		folder := filepath.Join(root, "charts", name)
		var chart chartMetadata
		var defaults chartValues
		for file, object := range map[string]any{"Chart.yaml": &chart, "values.yaml": &defaults} {
			if err := yaml.Unmarshal([]byte(read(t, filepath.Join(folder, file))), object); err != nil {
				t.Fatal(err)
			}
		}
		metadata[name], values[name] = chart, defaults
	}
	return metadata, values
}

// TestImagesForArtifactHub: Artifact Hub scans the images of the charts' defaults.
func TestImagesForArtifactHub(t *testing.T) {
	t.Parallel()
	metadata, values := charts(t)
	injector, pcp := values["pcp-injector"], values["pcp"].Image
	for name, want := range map[string][]string{
		"pcp":          {pcp.Repository + ":" + pcp.Tag},
		"pcp-injector": {injector.Image.Repository + ":" + metadata["pcp-injector"].AppVersion, config.DefaultImage, injector.Test.Image},
	} {
		var listed []struct {
			Name  string `json:"name"`
			Image string `json:"image"`
		}
		if err := yaml.UnmarshalStrict([]byte(metadata[name].Annotations["artifacthub.io/images"]), &listed); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, image := range listed {
			got = append(got, image.Image)
		}
		if !slices.Equal(got, want) {
			t.Errorf("artifacthub.io/images of the chart %s has %q, want %q", name, got, want)
		}
	}
}

// TestChangesForArtifactHub: the charts' changes of their newest version are in the newest section of CHANGELOG.md, under the same kind.
func TestChangesForArtifactHub(t *testing.T) {
	t.Parallel()
	known := changelog(t)
	metadata, _ := charts(t)
	for name, chart := range metadata {
		var changes []struct {
			Kind        string `json:"kind"`
			Description string `json:"description"`
		}
		if err := yaml.UnmarshalStrict([]byte(chart.Annotations["artifacthub.io/changes"]), &changes); err != nil {
			t.Fatal(err)
		}
		if len(changes) == 0 {
			t.Errorf("the chart %s has no artifacthub.io/changes", name)
		}
		for _, change := range changes {
			if !slices.Contains(known[change.Kind], change.Description) {
				t.Errorf("the chart %s has the change %q (%s), which is not in the newest section of CHANGELOG.md: it has %q", name, change.Description, change.Kind, known[change.Kind])
			}
		}
	}
}

// changelog is the newest section of CHANGELOG.md, as plain text: kind → entries.
func changelog(t *testing.T) map[string][]string {
	t.Helper()
	_, newest, _ := strings.Cut(read(t, filepath.Join(root, "CHANGELOG.md")), "\n## ")
	newest, _, _ = strings.Cut(newest, "\n## ")
	newest, _, _ = strings.Cut(newest, "\n[")
	entries := map[string][]string{}
	for _, part := range strings.Split(newest, "\n### ")[1:] {
		kind, list, _ := strings.Cut(part, "\n")
		for _, entry := range strings.Split(list, "\n- ")[1:] {
			plain := strings.Join(strings.Fields(strings.ReplaceAll(entry, "`", "")), " ")
			entries[strings.ToLower(kind)] = append(entries[strings.ToLower(kind)], plain)
		}
	}
	if len(entries) == 0 {
		t.Fatal("CHANGELOG.md has no entries")
	}
	return entries
}

// TestIcon: the charts' icon is a file of the tree, small, and a picture that loads nothing else.
func TestIcon(t *testing.T) {
	t.Parallel()
	const published = "https://raw.githubusercontent.com/performancecopilot/pcp-injector/main/"
	metadata, _ := charts(t)
	for name, chart := range metadata {
		path, found := strings.CutPrefix(chart.Icon, published)
		if !found {
			t.Errorf("the icon of the chart %s is %q, want a file at %s", name, chart.Icon, published)
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		if err != nil {
			t.Error(err)
			continue
		}
		var picture struct {
			XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			ViewBox string   `xml:"viewBox,attr"`
		}
		if err := xml.Unmarshal(data, &picture); err != nil || picture.ViewBox != "0 0 64 64" || len(data) > 4096 {
			t.Errorf("%s is no SVG of 64 × 64 of at most 4 KiB: %d bytes, view box %q, error %v", path, len(data), picture.ViewBox, err)
		}
		if outside := regexp.MustCompile(`href|url\(|<script|<image`).Find(data); outside != nil {
			t.Errorf("%s has %s: it would load something else", path, outside)
		}
	}
}
