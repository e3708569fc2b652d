package release

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// imageFolder is an OCI image layout: crane push and skopeo copy it to a registry, which then shows the same digest.
const imageFolder = "image"

// makeImage compiles the webhook for each platform of the image, writes the layout, and returns the digest of its index.
func (r *Release) makeImage(ctx context.Context) (string, error) {
	executables := make([][]byte, len(r.Image))
	for i, p := range r.Image {
		var err error
		if executables[i], err = r.build(ctx, "./cmd/webhook", p, fmt.Sprintf("pcp-injector_%s_%s_%s.cdx.json", r.Version, p.OS, p.Arch)); err != nil {
			return "", err
		}
	}
	return r.writeImage(executables)
}

// writeImage writes the layout of an image that has an executable for each platform of r.Image.
func (r *Release) writeImage(executables [][]byte) (string, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for i, p := range r.Image {
		image, err := r.image(executables[i], p)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.OS, Architecture: p.Arch}},
		})
	}
	// A registry's page shows an index's annotations, not the labels of its images.
	index, ok := mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	if !ok {
		return "", fmt.Errorf("an annotated index is a %T", index)
	}
	digest, err := index.Digest()
	if err != nil {
		return "", fmt.Errorf("failed to compute the digest: %w", err)
	}
	folder, err := layout.Write(r.path(imageFolder), empty.Index)
	if err != nil {
		return "", fmt.Errorf("failed to write the layout: %w", err)
	}
	name := map[string]string{"org.opencontainers.image.ref.name": r.Version}
	if err := folder.AppendIndex(index, layout.WithAnnotations(name)); err != nil {
		return "", fmt.Errorf("failed to write the index: %w", err)
	}
	return digest.String(), nil
}

// image is the image of the Dockerfile: one executable, no shell, a user by number.
func (r *Release) image(executable []byte, p Platform) (v1.Image, error) {
	layer, err := r.layer(executable)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: r.Time}, CreatedBy: "COPY /pcp-injector"},
	})
	if err != nil {
		return nil, fmt.Errorf("failed to add the layer: %w", err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("failed to read the configuration: %w", err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = p.OS, p.Arch, v1.Time{Time: r.Time}
	file.Config = v1.Config{User: "65532:65532", Entrypoint: []string{"/pcp-injector"}, Labels: r.labels()}
	image, err = mutate.ConfigFile(image, file)
	if err != nil {
		return nil, fmt.Errorf("failed to set the configuration: %w", err)
	}
	return image, nil
}

func (r *Release) layer(executable []byte) (v1.Layer, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	header := &tar.Header{Name: "pcp-injector", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(executable)), ModTime: r.Time}
	if err := addFile(archive, header, executable); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("failed to end the layer: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("failed to compress the layer: %w", err)
	}
	return layer, nil
}

// labels are the labels of the Dockerfile.
func (r *Release) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       "pcp-injector",
		prefix + "description": "Mutating admission webhook that adds Performance Co-Pilot to the node-monitor pod that you choose",
		prefix + "source":      repository,
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     r.Version,
	}
}
