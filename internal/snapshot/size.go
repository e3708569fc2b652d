package snapshot

import (
	"fmt"
	"strconv"
)

// Size has three digits at most, as in 12.3Mi, in the suffixes of Kubernetes.
func Size(bytes int64) string {
	if bytes < 1<<10 {
		return strconv.FormatInt(bytes, 10)
	}
	size, suffixes := float64(bytes)/(1<<10), []string{"Ki", "Mi", "Gi", "Ti", "Pi"}
	for size >= 1<<10 && len(suffixes) > 1 {
		size, suffixes = size/(1<<10), suffixes[1:]
	}
	if size < 10 {
		return fmt.Sprintf("%.1f%s", size, suffixes[0])
	}
	return fmt.Sprintf("%.0f%s", size, suffixes[0])
}
