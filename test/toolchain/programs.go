package toolchain

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Programs is the compilation of programs of this project, which is silent until Wait.
type Programs struct {
	shown *compilation
	done  chan struct{}
	err   error
}

// CompilePrograms starts to compile main packages of this project, by the path of the executable, with the given flags of the linker. They
// share all they can with the tests that make runs.
func CompilePrograms(ctx context.Context, linkerFlags string, programs map[string]string) *Programs {
	p := &Programs{shown: newCompilation(io.Discard, "our own programs"), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = p.compile(ctx, linkerFlags, programs)
	}()
	return p
}

func (p *Programs) compile(ctx context.Context, linkerFlags string, programs map[string]string) error {
	root, err := projectRoot()
	if err != nil {
		return err
	}
	packages, err := goOutput(ctx, root, append([]string{"list", "-deps"}, slices.Sorted(maps.Values(programs))...)...)
	if err != nil {
		return err
	}
	p.shown.expect(strings.Count(packages, "\n") + 1)
	for path, pkg := range programs {
		arguments := []string{"build", "-v", "-trimpath", "-ldflags", linkerFlags, "-o", path, pkg}
		if err := runGo(ctx, root, os.TempDir(), p.shown, arguments...); err != nil {
			return err
		}
	}
	return nil
}

// Wait returns when the programs are compiled, and shows the progress.
func (p *Programs) Wait(progress io.Writer) error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(3 * time.Second):
	}
	fmt.Fprintln(progress, "compiling the webhook and the rest of the demo: about 3 minutes on 2 cores the first time")
	p.shown.out = progress
	p.shown.show()
	<-p.done
	p.shown.finish(p.err)
	return p.err
}
