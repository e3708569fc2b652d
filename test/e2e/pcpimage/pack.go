package pcpimage

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"runtime"
)

const layerName = "layer.tar"

// configuration is one image's configuration; see https://github.com/opencontainers/image-spec/blob/main/config.md
type configuration struct {
	Architecture string      `json:"architecture"`
	OS           string      `json:"os"`
	Config       runSettings `json:"config"`
	RootFS       rootFS      `json:"rootfs"`
}

type runSettings struct {
	Entrypoint []string
	Cmd        []string
	Env        []string
	StopSignal string
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// manifest is one entry of the archive's table of contents.
type manifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// settings are the configurations of the archive's images, by name.
func (i Image) settings() map[string]runSettings {
	all := maps.Clone(i.others)
	if all == nil {
		all = map[string]runSettings{}
	}
	all[i.Name] = runSettings{
		Entrypoint: []string{"/usr/bin/container-entrypoint"}, Cmd: []string{"/usr/sbin/init"}, StopSignal: "SIGRTMIN+3",
		Env: append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, i.environment...),
	}
	return all
}

// pack writes the archive: the layer, which all its images share, their configurations and the table of contents.
func (i Image) pack(layer, archive string) (err error) {
	digest, err := digestOf(layer)
	if err != nil {
		return err
	}
	file, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	writer := tar.NewWriter(file)
	if err := addFile(writer, layer); err != nil {
		return err
	}
	var manifests []manifest
	for name, config := range i.settings() {
		raw, err := json.Marshal(configuration{Architecture: runtime.GOARCH, OS: "linux", Config: config, RootFS: rootFS{Type: "layers", DiffIDs: []string{"sha256:" + digest}}})
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		entry := manifest{Config: hex.EncodeToString(sum[:]) + ".json", RepoTags: []string{name}, Layers: []string{layerName}}
		if err := add(writer, entry.Config, raw); err != nil {
			return err
		}
		manifests = append(manifests, entry)
	}
	raw, err := json.Marshal(manifests)
	if err != nil {
		return err
	}
	return errors.Join(add(writer, "manifest.json", raw), writer.Close())
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}

func addFile(writer *tar.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := writer.WriteHeader(&tar.Header{Name: layerName, Mode: 0o644, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(writer, file)
	return err
}

func add(writer *tar.Writer, name string, content []byte) error {
	if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := writer.Write(content)
	return err
}
