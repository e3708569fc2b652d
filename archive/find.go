package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNone is wrapped by the error for a path where there is no archive.
var ErrNone = errors.New("no PCP archive")

// Files are those of one archive.
type Files struct {
	// Name is the path that they share, within the file system.
	Name string
	// Size of all files, as stored.
	Size int64

	metadata, index file
	volumes         []volume
}

type volume struct {
	file
	number int
}

// fileName is what an archive's files are called: a name, what they hold, and a suffix if they are compressed.
var fileName = regexp.MustCompile(`^(.+)\.(meta|index|\d{1,9})(\.xz|\.zst|\.gz)?$`)

// Find lists the archives at a path: a folder, the name that the files of one archive share, or one of these files. They are sorted
// by name. A folder's folders are not searched.
func Find(fsys fs.FS, name string) ([]Files, error) {
	name = path.Clean(name)
	folder, base := name, ""
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("failed to look for archives: %w", err)
	case err != nil:
		folder, base = path.Split(name)
	case !info.IsDir():
		folder, base = path.Split(name)
		if parts := fileName.FindStringSubmatch(base); parts != nil {
			base = parts[1]
		}
	}
	found, err := findIn(fsys, path.Clean(folder), base)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w at %s: an archive has a file .meta and one or more files .0, .1 and so on", ErrNone, name)
	}
	return found, err
}

// findIn looks in a folder for one archive, or for all.
func findIn(fsys fs.FS, folder, only string) ([]Files, error) {
	entries, err := fs.ReadDir(fsys, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to look for archives: %w", err)
	}
	found := map[string]*Files{}
	for _, entry := range entries {
		parts := fileName.FindStringSubmatch(entry.Name())
		if parts == nil || entry.IsDir() || only != "" && parts[1] != only {
			continue
		}
		name := path.Join(folder, parts[1])
		if found[name] == nil {
			found[name] = &Files{Name: name}
		}
		info, err := fs.Stat(fsys, path.Join(folder, entry.Name()))
		if err != nil {
			continue // It was removed meanwhile, as happens when pmlogger_daily compresses it.
		}
		found[name].add(parts[2], file{fsys, path.Join(folder, entry.Name()), method(parts[3]), info.Size()})
	}
	return complete(found), nil
}

// complete are the archives that have what is needed. The index is not.
func complete(found map[string]*Files) []Files {
	var out []Files
	for _, name := range slices.Sorted(maps.Keys(found)) {
		files := found[name]
		if files.metadata.name == "" || len(files.volumes) == 0 {
			continue
		}
		slices.SortFunc(files.volumes, func(a, b volume) int { return cmp.Compare(a.number, b.number) })
		out = append(out, *files)
	}
	return out
}

// add takes the plain one of two files of which one is compressed.
func (f *Files) add(kind string, found file) {
	plainFirst := func(known file) file {
		if known.name != "" && strings.HasPrefix(found.name, known.name) {
			return known
		}
		f.Size += found.size - known.size
		return found
	}
	switch kind {
	case "meta":
		f.metadata = plainFirst(f.metadata)
	case "index":
		f.index = plainFirst(f.index)
	default:
		number, _ := strconv.Atoi(kind) // fileName has only digits, of which nine always fit.
		at := slices.IndexFunc(f.volumes, func(v volume) bool { return v.number == number })
		if at < 0 {
			f.volumes = append(f.volumes, volume{number: number})
			at = len(f.volumes) - 1
		}
		f.volumes[at].file = plainFirst(f.volumes[at].file)
	}
}
