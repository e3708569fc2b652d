package release

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// build compiles a program of the project as make build and the Dockerfile do, writes its bill of materials as sbom beside the release's
// files, and returns the executable.
func (r *Release) build(ctx context.Context, program string, p Platform, sbom string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, fmt.Errorf("failed to make a folder to compile in: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	executable := filepath.Join(folder, "executable")
	// Users see the version from -X. Go's own stamp differs between a clone and an archive of one commit.
	cmd := command(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+r.Version, "-o", executable, program)
	cmd.Dir = r.Root
	// Overrule everything else that the environment says about code generation, because it would change the digest.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Arch, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFLAGS=")
	if err := run(cmd); err != nil {
		return nil, fmt.Errorf("%s for %s: %w", program, p, err)
	}
	if err := r.writeSBOM(ctx, executable, sbom); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(executable)
	if err != nil {
		return nil, fmt.Errorf("failed to read what was compiled: %w", err)
	}
	return content, nil
}

// writeSBOM writes a CycloneDX bill of materials of the executable: the modules that are really in it, with their hashes.
func (r *Release) writeSBOM(ctx context.Context, executable, name string) error {
	cmd := command(ctx, r.Tools.CycloneDX, "bin", "-json", "-noserial", "-notimestamp", "-version", r.Version, "-output", r.path(name), executable)
	return run(cmd)
}

// command is a tool with arguments that the project chooses.
func command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, arguments...) //nolint:gosec // Those who make a release choose its tools.
}

// run runs the command. Its whole output is in the error.
func run(cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, output.Bytes())
	}
	return nil
}
