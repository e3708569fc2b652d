package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// archived is a file in an archive.
type archived struct {
	name    string
	mode    int64
	content []byte
}

// completion is the program that kubectl asks to complete a command line of the plugin: a script for a Unix shell.
const completion = "kubectl_complete-pcp"

// makePlugin compiles the plugin for each platform, and archives it with its license and, where there is a shell for it, its completion.
func (r *Release) makePlugin(ctx context.Context) error {
	license, err := os.ReadFile(filepath.Join(r.Root, "LICENSE"))
	if err != nil {
		return fmt.Errorf("failed to read the license: %w", err)
	}
	script, err := os.ReadFile(filepath.Join(r.Root, "cmd", "kubectl-pcp", completion))
	if err != nil {
		return fmt.Errorf("failed to read the completion: %w", err)
	}
	for _, p := range r.Plugin {
		executable, err := r.build(ctx, "./cmd/kubectl-pcp", p, fmt.Sprintf("kubectl-pcp_%s_%s_%s.cdx.json", r.Version, p.OS, p.Arch))
		if err != nil {
			return err
		}
		write, files := writeTarGz, []archived{{executableName(p), 0o755, executable}, {"LICENSE", 0o644, license}}
		if p.OS == "windows" {
			write = writeZip
		} else {
			files = append(files, archived{completion, 0o755, script})
		}
		content, err := write(files, r.Time)
		if err != nil {
			return err
		}
		if err := r.write(r.archiveName(p), content); err != nil {
			return err
		}
	}
	return nil
}

// archiveName is the name of the plugin's archive: kubectl-pcp_v1.2.0_linux_amd64.tar.gz.
func (r *Release) archiveName(p Platform) string {
	extension := ".tar.gz"
	if p.OS == "windows" {
		extension = ".zip"
	}
	return strings.Join([]string{"kubectl-pcp", r.Version, p.OS, p.Arch}, "_") + extension
}

func executableName(p Platform) string {
	if p.OS == "windows" {
		return "kubectl-pcp.exe"
	}
	return "kubectl-pcp"
}

func writeTarGz(files []archived, modified time.Time) ([]byte, error) {
	var content bytes.Buffer
	compressed := gzip.NewWriter(&content)
	archive := tar.NewWriter(compressed)
	for _, file := range files {
		header := &tar.Header{Name: file.name, Typeflag: tar.TypeReg, Mode: file.mode, Size: int64(len(file.content)), ModTime: modified}
		if err := addFile(archive, header, file.content); err != nil {
			return nil, err
		}
	}
	for _, end := range []func() error{archive.Close, compressed.Close} {
		if err := end(); err != nil {
			return nil, fmt.Errorf("failed to end the archive: %w", err)
		}
	}
	return content.Bytes(), nil
}

func addFile(archive *tar.Writer, header *tar.Header, content []byte) error {
	if err := archive.WriteHeader(header); err != nil {
		return fmt.Errorf("%s: failed to archive: %w", header.Name, err)
	}
	if _, err := archive.Write(content); err != nil {
		return fmt.Errorf("%s: failed to archive: %w", header.Name, err)
	}
	return nil
}

func writeZip(files []archived, modified time.Time) ([]byte, error) {
	var content bytes.Buffer
	archive := zip.NewWriter(&content)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: modified.UTC()}
		header.SetMode(os.FileMode(file.mode)) //nolint:gosec // A mode has 9 bits.
		writer, err := archive.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("%s: failed to archive: %w", file.name, err)
		}
		if _, err := writer.Write(file.content); err != nil {
			return nil, fmt.Errorf("%s: failed to archive: %w", file.name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("failed to end the archive: %w", err)
	}
	return content.Bytes(), nil
}

// write writes a file of the release.
func (r *Release) write(name string, content []byte) error {
	if err := os.WriteFile(r.path(name), content, 0o644); err != nil { //nolint:gosec // Everybody may read what is published.
		return fmt.Errorf("failed to write: %w", err)
	}
	return nil
}
