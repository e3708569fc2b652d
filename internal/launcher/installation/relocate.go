package installation

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Relocate is the installation with everything that PCP writes in one folder, which is also where its sockets are. Archives stay where
// they are, and so does what is only read.
func (i *Installation) Relocate(folder string) *Installation {
	moved := &Installation{Root: i.Root, image: i, variables: maps.Clone(i.variables), received: i.received}
	for name, value := range moved.variables {
		// Paths of single files of the configuration have variables of their own.
		if rest, inside := strings.CutPrefix(value, i.variables[SysconfDir]+"/"); inside {
			moved.variables[name] = filepath.Join(folder, "etc", rest)
		}
	}
	maps.Copy(moved.variables, map[string]string{
		SysconfDir: filepath.Join(folder, "etc"), SysconfigDir: filepath.Join(folder, "sysconfig"), VarDir: filepath.Join(folder, "var"),
		RunDir: folder, LogDir: filepath.Join(folder, "log"), TmpDir: filepath.Join(folder, "tmp"), TmpFileDir: filepath.Join(folder, "tmp"),
	})
	return moved
}

// Text is a pcp.conf.
func (i *Installation) Text() string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(i.variables)) {
		fmt.Fprintf(&text, "%s=%s\n", name, i.variables[name])
	}
	return text.String()
}

// Place is where a file of the image's has to be for PCP to see it.
func (i *Installation) Place(file string) string {
	if i.image == nil {
		return file
	}
	for _, variable := range []string{SysconfDir, VarDir} {
		if rest, inside := strings.CutPrefix(file, i.image.variables[variable]+"/"); inside {
			return i.Path(variable, rest)
		}
	}
	return file
}
