package injector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/loopback"
)

// Serve starts only the webhook, with the data of a given Secret as its certificate. A chart makes the API server call it.
func Serve(ctx context.Context, options Options, certificate map[string][]byte) (*Injector, error) {
	i := &Injector{webhook: cluster.Webhook{Name: options.Name}}
	if err := i.serve(ctx, options, certificate); err != nil {
		return nil, errors.Join(fmt.Errorf("failed to start the webhook %s: %w%s", options.Name, err, i.tail()), i.Stop())
	}
	return i, nil
}

func (i *Injector) serve(ctx context.Context, options Options, certificate map[string][]byte) (err error) {
	if i.folder, err = os.MkdirTemp("", "pcp-injector-"); err != nil {
		return err
	}
	if err := i.SetCertificate(certificate); err != nil {
		return err
	}
	if err := os.WriteFile(i.file("config.yaml"), []byte(options.Config), 0o600); err != nil {
		return err
	}
	return i.launch(ctx, options)
}

// SetCertificate replaces the files of the served certificate, as a kubelet does when a Secret changes.
func (i *Injector) SetCertificate(files map[string][]byte) error {
	return cluster.WriteSecretVolume(i.file("certificate"), files)
}

// Address is where the webhook is served.
func (i *Injector) Address() string {
	return net.JoinHostPort(loopback.Host, strconv.Itoa(int(i.webhook.Port)))
}
