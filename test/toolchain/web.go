package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// errNotPublished says that there is nothing to download, which is nobody's failure.
var errNotPublished = errors.New("there is no release")

// checksumError is about a file that is not what its authors published.
type checksumError struct{ url, sums, want, got string }

func (e *checksumError) Error() string {
	return fmt.Sprintf("%s has the SHA-256 %s, but %s publishes %s: it was deleted and is not used; a mirror or a proxy is broken, or somebody changes files on their way here", e.url, e.got, e.sums, e.want)
}

// brokenError is about a transfer that started and did not finish.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// patience is how long to wait for a host before compiling instead.
type patience struct {
	connect   time.Duration // for a connection
	answer    time.Duration // for the head of the answer to a request
	checksums time.Duration // for all checksums of a tool
	stall     time.Duration // for the next byte of a file
	file      time.Duration // for a whole file: by then it would have been compiled
	attempts  int           // for a file whose transfer breaks
}

var defaultPatience = patience{
	connect: 4 * time.Second, answer: 5 * time.Second, checksums: 8 * time.Second, stall: 15 * time.Second, file: 10 * time.Minute, attempts: 3,
}

// web asks hosts for files. A host that does not answer is not asked again.
type web struct {
	patience patience
	client   *http.Client

	mutex  sync.Mutex
	silent map[string]error // by host
}

// sharedWeb is shared within this process, so each host is waited for once.
var sharedWeb = newWeb(defaultPatience)

func newWeb(p patience) *web {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: p.connect}).DialContext,
		TLSHandshakeTimeout:   p.connect,
		ResponseHeaderTimeout: p.answer,
		ForceAttemptHTTP2:     true,
	}
	return &web{patience: p, client: &http.Client{Transport: transport, CheckRedirect: checkRedirect}, silent: map[string]error{}}
}

// checkRedirect refuses redirects from an encrypted connection to an unencrypted one.
func checkRedirect(next *http.Request, before []*http.Request) error {
	if len(before) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if before[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("a redirect to %s, which is not encrypted", next.URL.Redacted())
	}
	return nil
}

// text returns the content of the URL.
func (w *web) text(ctx context.Context, address string, limit int64) ([]byte, error) {
	var text bytes.Buffer
	_, err := w.copy(ctx, address, limit, func(int64) {}, &text)
	return text.Bytes(), err
}

// copy writes the content of the URL, and returns how much it wrote. It calls start with the announced size, or -1.
func (w *web) copy(ctx context.Context, address string, limit int64, start func(size int64), to io.Writer) (int64, error) {
	ctx, stop := context.WithTimeout(ctx, w.patience.file)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	response, err := w.get(ctx, address)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	start(response.ContentLength)
	size, err := io.Copy(to, io.LimitReader(&impatient{response.Body, w.patience.stall, cancel}, limit))
	switch {
	case ctx.Err() != nil && err != nil:
		return size, fmt.Errorf("the transfer of %s stopped after %d bytes: %w", address, size, context.Cause(ctx))
	case err != nil:
		return size, &brokenError{fmt.Errorf("the transfer of %s broke off after %d bytes: %w", address, size, err)}
	case size == limit:
		return size, fmt.Errorf("%s is larger than %d bytes", address, limit-1)
	}
	return size, nil
}

func (w *web) get(ctx context.Context, address string) (*http.Response, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("failed to read a URL: %w", err)
	}
	if err := w.silence(parsed.Host, nil); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("failed to ask for %s: %w", address, err)
	}
	response, err := w.client.Do(request)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return nil, fmt.Errorf("stopped asking %s: %w", parsed.Host, context.Canceled)
	case err != nil:
		return nil, w.silence(parsed.Host, fmt.Errorf("no answer from %s: %w", parsed.Host, cause(err)))
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s answered %s", address, response.Status), response.Body.Close())
	}
	return response, nil
}

// cause omits the request, which the caller names.
func cause(err error) error {
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err
	}
	return err
}

// silence records that a host does not answer, if err is not nil, and returns the first such error.
func (w *web) silence(host string, err error) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.silent[host] == nil && err != nil {
		w.silent[host] = err
	}
	return w.silent[host]
}

// impatient is a reader that gives up when nothing arrives for a while.
type impatient struct {
	from   io.Reader
	stall  time.Duration
	cancel context.CancelCauseFunc
}

func (r *impatient) Read(data []byte) (int, error) {
	timer := time.AfterFunc(r.stall, func() { r.cancel(fmt.Errorf("nothing came for %s", r.stall)) })
	defer timer.Stop()
	return r.from.Read(data)
}
