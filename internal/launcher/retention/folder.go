//go:build linux

package retention

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"regexp"
	"strings"
	"syscall"
)

var (
	// archiveName is YYYYMMDD.HH.MM, and what pmlogger and its daily run make of it. The first group is the archive, the rest the file.
	archiveName = regexp.MustCompile(`^(20\d{6}[0-9.-]*)\.(?:meta|index|[0-9]+)(?:\.[a-z][a-z0-9]*)?$`)
	logName     = regexp.MustCompile(`^pmlogger\.log[a-z.]*$`)
)

// blockSize is that of Stat_t.Blocks, whatever the file system.
const blockSize = 512

// Folder is a folder of archives. Nothing outside of it is read or removed, wherever links among the archives lead.
type Folder struct {
	// Path of the volume, and Host, the folder in it; empty: all hosts'.
	Path, Host string
	// Hidden: also what is in hidden folders is an archive. Pushed archives are in folders whose names the sender chooses; but in
	// a volume that a storage system makes snapshots of, those are in hidden folders.
	Hidden bool
}

// Look reads what the folder has.
func (f Folder) Look() (*Contents, error) {
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var space syscall.Statfs_t
	if err := syscall.Statfs(f.Path, &space); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: f.Path, Err: err}
	}
	scan := scan{folder: f, archives: map[string]*Archive{}}
	scan.Free = int64(space.Bavail) * space.Bsize //nolint:gosec // no file system has 2^63 bytes
	err = fs.WalkDir(root.FS(), path.Join(".", f.Host), scan.visit)
	if errors.Is(err, fs.ErrNotExist) && f.Host != "" {
		err = nil // pmlogger has not made it yet.
	}
	for _, archive := range scan.archives {
		scan.Archives = append(scan.Archives, *archive)
	}
	scan.sort()
	return &scan.Contents, err
}

type scan struct {
	Contents
	folder   Folder
	archives map[string]*Archive
}

// visit does not mind what cannot be read, such as lost+found, or what is gone by now.
func (s *scan) visit(name string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil && path.Join(".", s.folder.Host) != name:
		return fs.SkipDir
	case err != nil:
		return err
	case entry.IsDir() && entry.Name() == "lost+found":
		return fs.SkipDir
	case !entry.Type().IsRegular():
		return nil
	}
	if info, err := entry.Info(); err == nil {
		s.count(name, info)
	}
	return nil
}

func (s *scan) count(name string, info fs.FileInfo) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	bytes := stat.Blocks * blockSize
	match := archiveName.FindStringSubmatch(info.Name())
	if match == nil || !s.folder.Hidden && hidden(name) {
		s.Others += bytes
		if logName.MatchString(info.Name()) {
			s.Logs = append(s.Logs, File{name, bytes})
		}
		return
	}
	key := path.Join(path.Dir(name), match[1])
	archive := s.archives[key]
	if archive == nil {
		archive = &Archive{Path: key}
		s.archives[key] = archive
	}
	archive.Bytes += bytes
	archive.Files = append(archive.Files, name)
	if info.ModTime().After(archive.Written) {
		archive.Written = info.ModTime()
	}
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

// Open opens one file of an archive to read. The error is fs.ErrNotExist for anything else, and for what only links lead to.
func (f Folder) Open(name string) (*os.File, error) {
	missing := &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	if !fs.ValidPath(name) || archiveName.FindString(path.Base(name)) == "" || f.Host != "" && !strings.HasPrefix(name, f.Host+"/") {
		return nil, missing
	}
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if info, err := root.Lstat(folder); err != nil || !info.IsDir() {
			return nil, missing
		}
	}
	return openRegular(root, name, os.O_RDONLY)
}

// Do removes and empties what the plan says, and logs each archive that goes.
func (f Folder) Do(plan Plan, logger *slog.Logger) error {
	if len(plan.Remove)+len(plan.Empty) == 0 {
		return nil
	}
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, archive := range plan.Remove {
		if removeErr := remove(root, archive.Files); removeErr != nil {
			err = errors.Join(err, removeErr)
			continue
		}
		logger.Info("removed", "archive", archive.Path, "bytes", archive.Bytes)
	}
	for _, log := range plan.Empty {
		err = errors.Join(err, empty(root, log))
	}
	return err
}

func remove(root *os.Root, files []string) (err error) {
	for _, file := range files {
		if removeErr := root.Remove(file); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	return err
}

func empty(root *os.Root, log string) error {
	file, err := openRegular(root, log, os.O_WRONLY)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Truncate(0)
}

// openRegular does not follow a link that has the name, or has it by now, and waits for nobody: what is opened must be what has the name.
func openRegular(root *os.Root, name string, flag int) (*os.File, error) {
	missing := &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	named, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, missing
	}
	file, err := root.OpenFile(name, flag|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if opened, err := file.Stat(); err != nil || !os.SameFile(named, opened) {
		return nil, errors.Join(missing, file.Close())
	}
	return file, nil
}
