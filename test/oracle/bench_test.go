package oracle_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/archive"
)

// BenchmarkAgainstPCP reads one metric of each archive, and reports how many times longer pmval and pmrep take for the same.
func BenchmarkAgainstPCP(b *testing.B) {
	run := tools(b)
	const metric = "kernel.all.cpu.user"
	for _, folder := range folders(b) {
		b.Run(filepath.Base(folder), func(b *testing.B) {
			files, err := archive.Find(os.DirFS(folder), ".")
			if err != nil {
				b.Fatal(err)
			}
			path := filepath.Join(folder, files[0].Name)
			slower := map[string]time.Duration{}
			for name, arguments := range map[string][]string{"pmval": {"-U", path, metric}, "pmrep": {"-u", "-a", path, "-o", "csv", metric}} {
				begin := time.Now()
				if _, err := run(b.Context(), name, arguments...); err != nil {
					b.Fatal(err)
				}
				slower[name] = time.Since(begin)
			}
			for b.Loop() {
				read(b, files[0], metric)
			}
			for name, took := range slower {
				b.ReportMetric(float64(took)/float64(b.Elapsed())*float64(b.N), "×"+name)
			}
		})
	}
}

func read(b *testing.B, files archive.Files, metric string) {
	b.Helper()
	a, err := archive.OpenFiles(files)
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	for _, err := range archive.Rates(a.Samples(archive.Query{Metrics: []string{metric}})) {
		if err != nil {
			b.Fatal(err)
		}
	}
}
