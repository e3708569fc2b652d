package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// dataLink is the name of the symbolic link that the kubelet swaps when a mounted Secret changes.
const dataLink = "..data"

// WriteSecretVolume writes files into a folder the way the kubelet mounts a Secret: each name is a link through the link "..data", which is
// replaced in one step. Written again, all files change at once, and a watcher sees the same as in a Pod. See
// https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go
func WriteSecretVolume(folder string, files map[string][]byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("failed to make a Secret's folder: %w", err)
	}
	version, err := os.MkdirTemp(folder, "..version-")
	if err != nil {
		return fmt.Errorf("failed to make a Secret's folder: %w", err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(version, name), data, 0o600); err != nil {
			return fmt.Errorf("failed to write the Secret's key %q: %w", name, err)
		}
	}
	previous, err := swap(folder, filepath.Base(version))
	if err != nil {
		return err
	}
	for name := range files {
		if err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(folder, name)); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("failed to link the Secret's key %q: %w", name, err)
		}
	}
	if previous == "" {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(folder, previous)); err != nil {
		return fmt.Errorf("failed to remove the Secret's last version: %w", err)
	}
	return nil
}

// swap points the data link to a new version, and returns the previous one, if any.
func swap(folder, version string) (previous string, err error) {
	link, next := filepath.Join(folder, dataLink), filepath.Join(folder, dataLink+"_tmp")
	if previous, err = os.Readlink(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("failed to read the Secret's version: %w", err)
	}
	if err := os.Symlink(version, next); err != nil {
		return "", fmt.Errorf("failed to link the Secret's new version: %w", err)
	}
	if err := os.Rename(next, link); err != nil {
		return "", fmt.Errorf("failed to swap the Secret's version: %w", err)
	}
	return previous, nil
}

// Write writes the certificate as a mounted kubernetes.io/tls Secret: tls.crt and tls.key. Written again with another certificate, it looks
// like a renewal to the server.
func (p Certificate) Write(folder string) error {
	return WriteSecretVolume(folder, map[string][]byte{"tls.crt": p.Cert, "tls.key": p.Key})
}
