// Package pcpfiles has the configuration files of two releases of PCP, as Debian has them, for tests of what changes such files.
package pcpfiles

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

//go:embed *.txtar
var archives embed.FS

// Versions are those of PCP: the oldest that matters, and the newest.
var Versions = []string{"6.3.8", "7.2.2"}

// Unpack writes the files of a version below a folder of the test's, and returns it. The user pcp is whoever runs the test.
func Unpack(tb testing.TB, version string) string {
	tb.Helper()
	content, err := archives.ReadFile("pcp-" + version + ".txtar")
	if err != nil {
		tb.Fatal(err)
	}
	root := tb.TempDir()
	for _, file := range txtar.Parse(content).Files {
		Write(tb, filepath.Join(root, file.Name), string(file.Data))
	}
	Write(tb, root+"/etc/passwd", fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\npcp:x:%d:%d::/var/lib/pcp:/usr/sbin/nologin\n", os.Getuid(), os.Getgid()))
	return root
}

// Write makes the folders that a file is in, too.
func Write(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// Read returns the content of a file.
func Read(tb testing.TB, path string) string {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(content)
}
