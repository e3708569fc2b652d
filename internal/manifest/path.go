package manifest

import (
	"strconv"
	"strings"
)

// pointer writes a path as a JSON pointer. Its steps are fixed names and numbers, which need no escapes.
func pointer(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return "/" + strings.Join(path, "/")
}

// field writes a path as people read it, e.g. items[0].spec.template.
func field(path []string) string {
	var text strings.Builder
	for _, step := range path {
		if _, err := strconv.Atoi(step); err == nil {
			text.WriteString("[" + step + "]")
			continue
		}
		if text.Len() > 0 {
			text.WriteString(".")
		}
		text.WriteString(step)
	}
	return text.String()
}
