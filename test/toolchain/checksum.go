package toolchain

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// checksumIn returns the SHA-256, in hexadecimal digits, that the published text has for the file.
func checksumIn(text []byte, file string) (string, error) {
	sum := listedIn(string(text), path.Base(file))
	if strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		found, err := assetIn(text, path.Base(file))
		if err != nil {
			return "", err
		}
		sum = found
	}
	if digits, err := hex.DecodeString(sum); err != nil || len(digits) != 32 {
		return "", fmt.Errorf("no SHA-256 of %s in what is published", path.Base(file))
	}
	return strings.ToLower(sum), nil
}

// listedIn reads a digest alone, or lines as sha256sum prints them: a digest, a space, a space or an asterisk, and the name.
func listedIn(text, name string) string {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 1 || len(fields) == 2 && strings.TrimPrefix(fields[1], "*") == name {
			return fields[0]
		}
	}
	return ""
}

// assetIn reads GitHub's JSON about a release.
// https://docs.github.com/en/rest/releases/releases#get-a-release-by-tag-name
func assetIn(text []byte, name string) (string, error) {
	var release struct {
		Assets []struct{ Name, Digest string }
	}
	if err := json.Unmarshal(text, &release); err != nil {
		return "", fmt.Errorf("failed to read what is published about the release: %w", err)
	}
	for _, asset := range release.Assets {
		if asset.Name == name {
			return strings.TrimPrefix(asset.Digest, "sha256:"), nil
		}
	}
	return "", nil
}
