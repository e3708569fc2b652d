// Package podexec runs commands in the containers of pods, as kubectl exec does.
package podexec

import (
	"context"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// Container of a pod.
type Container struct{ Namespace, Pod, Name string }

// Run runs a command in a container, and returns when it has ended. It needs the verb create on pods/exec. When the context ends, it
// returns the cause at once, and the command may still write. If the command fails, the error is an exec.ExitError of
// k8s.io/client-go/util/exec with its exit status.
func Run(ctx context.Context, client kubernetes.Interface, access *rest.Config, in Container, stdout, stderr io.Writer, command ...string) error {
	target := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(in.Namespace).Name(in.Pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: in.Name, Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	// WebSockets first, as kubectl does, and SPDY for old API servers and for proxies.
	sockets, err := remotecommand.NewWebSocketExecutor(access, http.MethodGet, target.String())
	if err != nil {
		return fmt.Errorf("failed to prepare an exec: %w", err)
	}
	streams, err := remotecommand.NewSPDYExecutor(access, http.MethodPost, target)
	if err != nil {
		return fmt.Errorf("failed to prepare an exec: %w", err)
	}
	executor, err := remotecommand.NewFallbackExecutor(sockets, streams, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return fmt.Errorf("failed to prepare an exec: %w", err)
	}
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: stdout, Stderr: stderr})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) //nolint:wrapcheck // the caller's own
	}
	return err //nolint:wrapcheck // the caller asks which error it is
}
