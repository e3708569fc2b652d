package toolchain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
)

// wanted are the commands of one tool that were requested.
type wanted struct {
	tool     tool
	commands []string
	plan     plan
	refusal  error // why nothing can be downloaded
}

func wantedFor(commands []string) ([]*wanted, error) {
	var all []*wanted
	for _, command := range commands {
		t, err := toolFor(command)
		if err != nil {
			return nil, err
		}
		n := slices.IndexFunc(all, func(w *wanted) bool { return w.tool.name == t.name })
		if n < 0 {
			n, all = len(all), append(all, &wanted{tool: t})
		}
		all[n].commands = append(all[n].commands, command)
	}
	return all, nil
}

// provide returns the paths of all commands, from the cache if possible, else downloaded, else compiled.
func (s store) provide(ctx context.Context, all []*wanted) (map[string]string, error) {
	paths := map[string]string{}
	missing, err := s.cached(ctx, all, paths)
	if err != nil {
		return nil, err
	}
	s.planAll(ctx, missing)
	for _, w := range missing {
		found, err := s.obtain(ctx, w)
		if err != nil {
			return nil, err
		}
		maps.Copy(paths, found)
	}
	return paths, nil
}

// cached adds the paths of the commands in the cache, and returns what is missing.
func (s store) cached(ctx context.Context, all []*wanted, paths map[string]string) ([]*wanted, error) {
	var missing []*wanted
	for _, w := range all {
		var err error
		if w.tool, err = w.tool.resolved(s.root); err != nil {
			return nil, err
		}
		folder, err := s.folderOf(ctx, w.tool)
		if err != nil {
			return nil, err
		}
		if exists(folder) {
			maps.Copy(paths, w.within(folder))
			continue
		}
		found, err := s.downloaded(w.tool, w.commands)
		if err != nil {
			return nil, err
		}
		maps.Copy(paths, found)
		w.commands = slices.DeleteFunc(slices.Clone(w.commands), func(command string) bool { return found[command] != "" })
		if len(w.commands) > 0 {
			missing = append(missing, w)
		}
	}
	return missing, nil
}

// within are the paths of the commands in the folder of the compiled tool.
func (w *wanted) within(folder string) map[string]string {
	paths := map[string]string{}
	for _, command := range w.commands {
		paths[command] = filepath.Join(folder, executable(command))
	}
	return paths
}

// planAll asks all hosts at the same time, so those that do not answer are waited for once.
func (s store) planAll(ctx context.Context, missing []*wanted) {
	var group sync.WaitGroup
	for _, w := range missing {
		w.refusal = errNotPublished
		if s.web != nil && len(w.tool.releases) > 0 {
			group.Go(func() { w.plan, w.refusal = s.plan(ctx, w.tool, w.commands) })
		}
	}
	group.Wait()
}

// obtain downloads the commands, or otherwise compiles the tool and says why.
func (s store) obtain(ctx context.Context, w *wanted) (map[string]string, error) {
	err := w.refusal
	if err == nil {
		var paths map[string]string
		if paths, err = s.download(ctx, w.tool, w.plan); err == nil {
			return paths, nil
		}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("stopped before %s was there: %w", w.tool.name, ctx.Err())
	}
	s.explainRefusal(w.tool, err)
	folder, err := s.ensure(ctx, w.tool)
	if err != nil {
		return nil, err
	}
	return w.within(folder), nil
}

// explainRefusal says in one line why a tool is compiled that could have been downloaded.
func (s store) explainRefusal(t tool, err error) {
	if errors.Is(err, errNotPublished) {
		return
	}
	warning := ""
	if _, changed := errors.AsType[*checksumError](err); changed {
		warning = "WARNING: "
	}
	fmt.Fprintf(s.out, "%s%s is not downloaded: %v\n", warning, t.name, err)
}
