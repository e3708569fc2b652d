package state

import (
	"encoding/json"
	"os"
)

// Prepared is where a privileged container keeps what was prepared before systemd: not in a folder that systemd mounts something on.
const Prepared = "/var/lib/pcp-launcher.json"

// WritePrepared keeps it.
func WritePrepared(path string, prepared []Preparation) error {
	content, err := json.Marshal(prepared)
	if err != nil {
		return err //nolint:wrapcheck // there are only strings in it
	}
	return os.WriteFile(path, content, 0o644) //nolint:gosec // PCP's user reads it
}

// ReadPrepared reads what was kept.
func ReadPrepared(path string) ([]Preparation, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var prepared []Preparation
	if err := json.Unmarshal(content, &prepared); err != nil {
		return nil, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return prepared, nil
}
