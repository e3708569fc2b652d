package toolchain

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
)

// releaseServer simulates dl.k8s.io, GitHub and its API, with the same paths and small files. As on GitHub, the address of a file redirects
// to another one.
type releaseServer struct {
	*httptest.Server

	mutex sync.Mutex
	asked []string
	files map[string]string // by the path of their address
	// fail may answer instead.
	fail func(w http.ResponseWriter, path string) bool
}

func newReleaseServer(t *testing.T) *releaseServer {
	t.Helper()
	r := &releaseServer{files: map[string]string{}}
	for _, arch := range []string{"amd64", "arm64"} {
		for _, command := range []string{"kube-apiserver", "kubectl"} {
			r.publish("/release/v1.2.3/bin/linux/"+arch+"/"+command, script(command+" "+arch), func(_, sum string) (string, string) {
				return command + ".sha256", sum
			})
		}
		folder := "etcd-v1.2.3-linux-" + arch
		r.publish("/etcd-io/etcd/releases/download/v1.2.3/"+folder+".tar.gz", archive(t, folder+"/etcd", script("etcd "+arch)), sumLine)
		r.publish("/kubernetes-sigs/kwok/releases/download/v1.2.3/kwok-linux-"+arch, script("kwok "+arch), sumLine)
	}
	kwok := r.files["/kubernetes-sigs/kwok/releases/download/v1.2.3/kwok-linux-amd64"]
	r.files["/repos/kubernetes-sigs/kwok/releases/tags/v1.2.3"] = fmt.Sprintf(
		`{"tag_name": "v1.2.3", "assets": [{"name": "kwok-linux-amd64", "size": %d, "digest": "sha256:%s"}, {"name": "kwok-linux-arm64", "digest": null}]}`, len(kwok), sumOf(kwok))
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// publish adds a file, and its checksum to the file whose name and line the function returns.
func (r *releaseServer) publish(address, content string, checksum func(name, sum string) (file, line string)) {
	r.files[address] = content
	file, line := checksum(path.Base(address), sumOf(content))
	r.files[path.Join(path.Dir(address), file)] += line
}

func sumLine(name, sum string) (file, line string) { return "SHA256SUMS", sum + "  " + name + "\n" }

func sumOf(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

func script(says string) string { return "#!/bin/sh\necho " + says + "\n" }

func archive(t *testing.T, member, content string) string {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	writer := tar.NewWriter(compressed)
	for _, file := range []struct{ name, content string }{{path.Dir(member) + "/README.md", "etcd"}, {member, content}} {
		if err := writer.WriteHeader(&tar.Header{Name: file.name, Mode: 0o755, Size: int64(len(file.content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(file.content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, closer := range []func() error{writer.Close, compressed.Close} {
		if err := closer(); err != nil {
			t.Fatal(err)
		}
	}
	return packed.String()
}

func (r *releaseServer) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mutex.Lock()
	r.asked = append(r.asked, request.URL.Path)
	r.mutex.Unlock()
	address := strings.TrimPrefix(request.URL.Path, "/cdn")
	content, published := r.files[address]
	switch {
	case r.fail != nil && r.fail(w, request.URL.Path):
	case !published:
		http.NotFound(w, request)
	case address == request.URL.Path && !isSum(address):
		http.Redirect(w, request, "/cdn"+address, http.StatusFound)
	default:
		_, _ = w.Write([]byte(content))
	}
}

func isSum(address string) bool {
	return strings.HasSuffix(address, ".sha256") || path.Base(address) == "SHA256SUMS" || strings.HasPrefix(address, "/repos/")
}

func (r *releaseServer) requests() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.asked)
}
