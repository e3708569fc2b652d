package snapshot

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/performancecopilot/pcp-injector/internal/pmproxy"
)

// PCP is what the PCP of a live pod reports about itself.
type PCP struct {
	Pod string
	// Reached: there was a way to the pod, so any error is PCP's own.
	Reached bool
	State   Read[*pmproxy.State]
	// Archives are measured only if pmcd answers.
	Archives Read[*Archives]
}

const (
	// askLimit is how long one PCP may take to answer.
	askLimit = 15 * time.Second
	// askedAtOnce is how many are asked at the same time.
	askedAtOnce = 8
)

// ReadPCP asks the PCP of every live pod.
func (r *Reader) ReadPCP(ctx context.Context, in *Installation) {
	pods := in.Live.Value.Pods
	in.PCP = make([]PCP, len(pods))
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for n := range pods {
		in.PCP[n].Pod = pods[n].Pod.GetName()
		group.Go(func() error {
			r.askPCP(ctx, in.Subject.Namespace, &in.PCP[n])
			return nil
		})
	}
	_ = group.Wait()
}

func (r *Reader) askPCP(ctx context.Context, namespace string, p *PCP) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	client, err := pmproxy.Dial(ctx, r.access, namespace, p.Pod)
	if p.State.Err = err; err != nil {
		return
	}
	defer client.Close()
	p.Reached = true
	if p.State.Value, p.State.Err = client.State(ctx); p.State.Err == nil {
		p.Archives.Value, p.Archives.Err = r.ReadArchives(ctx, namespace, p.Pod)
	}
}

// missingOfPCP distinguishes RBAC's refusal to exec from that of the guard, which requires its own verb.
func (in *Installation) missingOfPCP(lacks *rightsLacked) {
	namespace := in.Subject.Namespace
	for n := range in.PCP {
		lacks.add(in.PCP[n].State.Err, Right{[]string{"create"}, "pods/portforward", "", namespace})
		switch err := in.PCP[n].Archives.Err; {
		case !apierrors.IsForbidden(err):
		case strings.Contains(err.Error(), `"injections"`):
			lacks.add(err, Right{[]string{"exec"}, "injections", "pcp.io", namespace})
		default:
			lacks.add(err, Right{[]string{"create"}, "pods/exec", "", namespace})
		}
	}
}
