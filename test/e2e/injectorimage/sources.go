package injectorimage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/performancecopilot/pcp-injector/test/e2e/imagecache"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// command is the package that the image is made of, in the project's folder.
const command = "./cmd/webhook"

// goSettings are what go env prints, by its names.
type goSettings struct {
	GOARCH, GOCACHE, GOMOD, GOMODCACHE, GOROOT, GOVERSION string
}

// project is the folder of this project.
func (g goSettings) project() string { return filepath.Dir(g.GOMOD) }

func findGo(ctx context.Context) (goSettings, error) {
	var found goSettings
	text, err := goOutput(ctx, "", "env", "-json", "GOARCH", "GOCACHE", "GOMOD", "GOMODCACHE", "GOROOT", "GOVERSION")
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, fmt.Errorf("failed to read what go env says: %w", err)
	}
	if found.GOMOD == "" || found.GOMOD == os.DevNull {
		return found, errors.New("failed to find the project's folder: run from within it")
	}
	return found, nil
}

// key changes with what the image is made of.
func key(ctx context.Context, goes goSettings) (string, error) {
	files, err := sources(ctx, goes.project())
	if err != nil {
		return "", err
	}
	parts := [][]byte{script, builder, []byte(Name + Version + goes.GOVERSION + goes.GOARCH)}
	for _, name := range slices.Concat([]string{"Dockerfile", ".dockerignore", "go.mod", "go.sum"}, files) {
		content, err := os.ReadFile(filepath.Join(goes.project(), name))
		if err != nil {
			return "", err
		}
		parts = append(parts, []byte(name), content)
	}
	return imagecache.Key(parts...), nil
}

// sources are this project's files that the command is compiled from, relative to the project's folder; go.sum identifies all others.
func sources(ctx context.Context, project string) ([]string, error) {
	text, err := goOutput(ctx, project, "list", "-deps", "-json=Dir,GoFiles,EmbedFiles,Module", command)
	if err != nil {
		return nil, err
	}
	var files []string
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var found struct {
			Dir                 string
			GoFiles, EmbedFiles []string
			Module              struct{ Main bool }
		}
		if err := decoder.Decode(&found); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, fmt.Errorf("failed to read what go list says: %w", err)
		}
		if !found.Module.Main {
			continue
		}
		folder, err := filepath.Rel(project, found.Dir)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Concat(found.GoFiles, found.EmbedFiles) {
			files = append(files, filepath.Join(folder, name))
		}
	}
}

// goOutput runs the go command for the image's operating system, whatever settings the user has for other work.
func goOutput(ctx context.Context, folder string, arguments ...string) ([]byte, error) {
	cmd := process.Command("go", arguments...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=linux", "GOARCH=")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	err := imagecache.Run(ctx, cmd)
	return stdout.Bytes(), err
}
