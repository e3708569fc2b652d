package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/performancecopilot/pcp-injector/test/certmanager"
	"github.com/performancecopilot/pcp-injector/test/e2e/injectorimage"
	"github.com/performancecopilot/pcp-injector/test/e2e/node"
	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
	"github.com/performancecopilot/pcp-injector/test/volumes"
)

// What chooses a given cluster instead of this machine's own, and its images.
const (
	kubeconfigVariable    = "E2E_KUBECONFIG"
	pcpImageVariable      = "PCP_IMAGE"
	injectorImageVariable = "INJECTOR_IMAGE"
	valkeyImageVariable   = "VALKEY_IMAGE"
)

// archivesVariable lists the archives of images, built outside, for the tests inside of the namespaces.
const archivesVariable = "PCP_E2E_ARCHIVES"

// site is the cluster under test, which all tests share.
type site struct {
	// node is nil where the cluster is given.
	node       *node.Node
	client     kubernetes.Interface
	access     *rest.Config
	kubeconfig string
	kubectl    string
	helm       string
	// pcp are the versions of PCP under test; the first one's image also runs the pods that ask PCP and that it asks.
	pcp      []pcpimage.Image
	injector string
	valkey   string
}

// here is nil where the tests are to be skipped.
var here *site

// ownSite starts a node and a control plane on this machine, with cert-manager beside them.
func ownSite(ctx context.Context) (s *site, stop func() error, err error) {
	tools, err := toolchain.Find(ctx, os.Stdout, "helm")
	if err != nil {
		return nil, nil, err
	}
	machine, err := node.Start(ctx, filepath.SplitList(os.Getenv(archivesVariable)), os.Stdout)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop = func() error { cancel(); return machine.Stop() }
	if _, err := certmanager.Start(ctx, machine.Plane); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	folder := func(claim *corev1.PersistentVolumeClaim) (string, error) {
		return machine.Volume(claim.Namespace+"-"+claim.Name, claim.Spec.Resources.Requests.Storage().Value())
	}
	go volumes.Provision(ctx, machine.Plane.Client(), folder, os.Stderr)
	return &site{
		node: machine, client: machine.Plane.Client(), access: machine.Plane.Config(), kubeconfig: machine.Plane.Kubeconfig(), kubectl: machine.Plane.Kubectl(), helm: tools["helm"],
		pcp: []pcpimage.Image{pcpimage.Trixie, pcpimage.Sid}, injector: injectorimage.Name, valkey: pcpimage.Trixie.Name,
	}, stop, nil
}

// images are archives of all images that the node needs.
func images(ctx context.Context) ([]string, error) {
	var archives []string
	for _, image := range []pcpimage.Image{pcpimage.Trixie, pcpimage.Sid, pcpimage.Bookworm} {
		archive, err := image.Archive(ctx, os.Stdout)
		if err != nil {
			return nil, err
		}
		archives = append(archives, archive)
	}
	archive, err := injectorimage.Archive(ctx, os.Stdout)
	return append(archives, archive), err
}

// givenSite is a cluster that has cert-manager, nodes that run privileged pods, and a default storage class.
func givenSite(_ context.Context) (*site, error) {
	s := &site{
		kubeconfig: os.Getenv(kubeconfigVariable), injector: os.Getenv(injectorImageVariable),
		pcp:    []pcpimage.Image{{Name: cmp.Or(os.Getenv(pcpImageVariable), "ghcr.io/performancecopilot/pcp:7.2.0"), Version: "given"}},
		valkey: cmp.Or(os.Getenv(valkeyImageVariable), "docker.io/valkey/valkey:8"),
	}
	if s.injector == "" {
		return nil, errors.New(injectorImageVariable + " is not set: it names the image that make image built and the cluster can pull")
	}
	var err error
	if s.access, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig); err == nil {
		s.client, err = kubernetes.NewForConfig(s.access)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kubeconfigVariable, err)
	}
	if _, err := s.client.Discovery().ServerResourcesForGroupVersion("cert-manager.io/v1"); err != nil {
		return nil, fmt.Errorf("the cluster of %s has no cert-manager: %w", kubeconfigVariable, err)
	}
	if s.kubectl, err = exec.LookPath("kubectl"); err != nil {
		return nil, err
	}
	s.helm, err = exec.LookPath("helm")
	return s, err
}

// eachPCP runs a test with each version of PCP, in a scene of its own.
func eachPCP(t *testing.T, run func(s *scene)) {
	t.Helper()
	requireSite(t)
	for _, image := range here.pcp {
		t.Run(image.Version, func(t *testing.T) {
			t.Parallel()
			run(newScene(t, image.Name))
		})
	}
}

func requireSite(t *testing.T) {
	t.Helper()
	if here == nil {
		t.Skip("needs a real node: run make e2e, as root on Linux")
	}
}

// requireNode skips what nobody may do to a cluster that is given.
func requireNode(t *testing.T) {
	t.Helper()
	requireSite(t)
	if here.node == nil {
		t.Skip("needs a node of its own")
	}
}

// splitImage separates the tag, as charts want it.
func splitImage(image string) (repository, tag string) {
	at := strings.LastIndexByte(image, ':')
	if at < strings.LastIndexByte(image, '/') {
		return image, "latest"
	}
	return image[:at], image[at+1:]
}

// keepLogs copies the logs of a failed run to the folder E2E_LOGS, if it is set.
func keepLogs(err error) error {
	target := os.Getenv("E2E_LOGS")
	if target == "" {
		return err
	}
	target = filepath.Join(target, time.Now().Format("20060102-150405"))
	if copyErr := os.CopyFS(target, os.DirFS(filepath.Join(node.Folder(), "logs"))); copyErr != nil {
		return errors.Join(err, fmt.Errorf("failed to keep the logs: %w", copyErr))
	}
	return err
}
