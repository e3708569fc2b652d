package mutate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDaysOfTheChart: the notes of the chart pcp count the days that fit with the numbers of daysThatFit.
func TestDaysOfTheChart(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"_settings.tpl": fmt.Sprintf("{{- add %d (div %d (int64 .Values.persistence.pmlogger.interval)) }}", int64(dailyBytes), int64(dailyBytesAtSecond)),
		"_advice.tpl":   fmt.Sprintf("{{- $days = addf $days (mulf %d (maxf 0 (subf $days 1))) }}", compression-1),
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "charts", "pcp", "templates", file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("charts/pcp/templates/%s does not have %s", file, want)
		}
	}
}
