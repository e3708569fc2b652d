// Package pmproxy asks the pmproxy of a live pod about its PCP. It uses a port-forward with the rights of the user, which also reaches
// pmproxy on the loopback address, and bypasses every NetworkPolicy.
package pmproxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"
)

// Client asks one pmproxy over its REST API: see https://pcp.readthedocs.io/en/latest/api/.
type Client struct {
	http *http.Client
	base string
	end  func()
}

// Dial makes a Client for a pod. It needs the verb create on pods/portforward. If apierrors.IsForbidden recognizes the error, the user
// lacks that. The context limits the dialing alone.
func Dial(ctx context.Context, config *rest.Config, namespace, pod string) (*Client, error) {
	way, err := open(ctx, config, namespace, pod)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DialContext: way.dial, MaxConnsPerHost: 1}
	return &Client{&http.Client{Transport: transport}, "http://localhost", func() {
		transport.CloseIdleConnections()
		way.close()
	}}, nil
}

// Close ends the port-forward.
func (c *Client) Close() { c.end() }

// maxAnswer is how much of an answer is decoded, in bytes. A hundred sources that all fail take about 60 KiB.
const maxAnswer = 4 << 20

// get decodes an answer. If pmproxy says why it has none, that is the error.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return fmt.Errorf("failed to ask pmproxy: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // Omit the URL, because the user could not try it.
		}
		return fmt.Errorf("pmproxy does not answer: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("pmproxy's answer is incomplete: %w", err)
	case len(body) > maxAnswer:
		return fmt.Errorf("pmproxy's answer is longer than %d bytes", maxAnswer)
	case response.StatusCode != http.StatusOK:
		return refusal(response.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("pmproxy's answer is not one of PCP's: %w", err)
	}
	return nil
}

// refusal is what pmproxy says if it has no answer, such as that pmcd does not run.
func refusal(status string, body []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &said) == nil && said.Message != "" {
		return fmt.Errorf("pmproxy has no answer: %s", said.Message)
	}
	return fmt.Errorf("pmproxy has no answer: %s", strings.ToLower(status))
}
