package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// HTTP is a file system of files below a URL. It reads them in parts, with Range requests, which the server must support. Names are of
// all files there, since HTTP has no way to list them; they are paths as those of [fs.FS]. Requests end with the context.
func HTTP(ctx context.Context, client *http.Client, base string, names []string) (fs.FS, error) {
	root, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL: %w", base, err)
	}
	web := &web{ctx, client, root, slices.Sorted(slices.Values(names))}
	for _, name := range names {
		if !fs.ValidPath(name) || name == "." {
			return nil, fmt.Errorf("%q is not the path of a file", name)
		}
	}
	return web, nil
}

type web struct {
	ctx    context.Context //nolint:containedctx // fs.FS has no other place for it.
	client *http.Client
	root   *url.URL
	names  []string
}

// Open opens a file, or a folder of those that the names have.
func (w *web) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if slices.Contains(w.names, name) {
		return &webFile{web: w, name: name}, nil
	}
	if entries := w.entries(name); len(entries) > 0 {
		return &webFolder{webInfo{name: path.Base(name), folder: true}, entries}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// entries of a folder, sorted, each once.
func (w *web) entries(folder string) []fs.DirEntry {
	prefix := folder + "/"
	if folder == "." {
		prefix = ""
	}
	var out []fs.DirEntry
	last := ""
	for _, name := range w.names {
		rest, inside := strings.CutPrefix(name, prefix)
		if !inside {
			continue
		}
		entry, _, folder := strings.Cut(rest, "/")
		if entry != last {
			out = append(out, webEntry{webInfo{name: entry, folder: folder}, &webFile{web: w, name: name}})
		}
		last = entry
	}
	return out
}

// do sends a request for a file, or a part of it.
func (w *web) do(method, name, part string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(w.ctx, method, w.root.JoinPath(strings.Split(name, "/")...).String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("failed to ask for %s: %w", name, err)
	}
	request.Header.Set("Accept-Encoding", "identity") // Ranges are of the file, not of what a server makes of it.
	if part != "" {
		request.Header.Set("Range", part)
	}
	response, err := w.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("failed to ask for %s: %w", name, err)
	}
	return response, nil
}

// webFile is read with one request for each part.
type webFile struct {
	web    *web
	name   string
	offset int64
}

func (f *webFile) Stat() (fs.FileInfo, error) {
	response, err := f.web.do(http.MethodHead, f.name, "")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ContentLength < 0 {
		return nil, fmt.Errorf("%s: the server answered %s, not with the size of the file", f.name, response.Status)
	}
	return webInfo{name: path.Base(f.name), size: response.ContentLength}, nil
}

func (f *webFile) ReadAt(to []byte, offset int64) (int, error) {
	if len(to) == 0 {
		return 0, nil
	}
	response, err := f.web.do(http.MethodGet, f.name, fmt.Sprintf("bytes=%d-%d", offset, offset+int64(len(to))-1))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		return 0, io.EOF
	case http.StatusPartialContent:
	default:
		return 0, fmt.Errorf("%s: the server answered %s, not with a part of the file", f.name, response.Status)
	}
	n, err := io.ReadFull(response.Body, to)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

func (f *webFile) Read(to []byte) (int, error) {
	n, err := f.ReadAt(to, f.offset)
	f.offset += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (*webFile) Close() error { return nil }

type webFolder struct {
	info    webInfo
	entries []fs.DirEntry
}

func (f *webFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (*webFolder) Close() error                 { return nil }

func (f *webFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
}

func (f *webFolder) ReadDir(count int) ([]fs.DirEntry, error) {
	some := f.entries
	if count > 0 {
		if len(some) == 0 {
			return nil, io.EOF
		}
		some = some[:min(count, len(some))]
	}
	f.entries = f.entries[len(some):]
	return some, nil
}

// webInfo is what is known of a file or folder.
type webInfo struct {
	name   string
	size   int64
	folder bool
}

// webEntry asks for the size of a file only when somebody wants it.
type webEntry struct {
	webInfo
	file *webFile
}

func (e webEntry) Type() fs.FileMode { return e.Mode().Type() }

func (e webEntry) Info() (fs.FileInfo, error) {
	if e.folder {
		return e.webInfo, nil
	}
	return e.file.Stat()
}

func (i webInfo) Name() string     { return i.name }
func (i webInfo) Size() int64      { return i.size }
func (webInfo) ModTime() time.Time { return time.Time{} }
func (i webInfo) IsDir() bool      { return i.folder }
func (webInfo) Sys() any           { return nil }

func (i webInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
