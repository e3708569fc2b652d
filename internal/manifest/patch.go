package manifest

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	operations "gomodules.xyz/jsonpatch/v2"
)

// ApplyJSON applies a patch to an object as the API server does.
func ApplyJSON(object json.RawMessage, patch []operations.Operation) (json.RawMessage, error) {
	text, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("failed to encode the patch: %w", err)
	}
	decoded, err := jsonpatch.DecodePatch(text)
	if err != nil {
		return nil, fmt.Errorf("failed to read the patch: %w", err)
	}
	patched, err := decoded.Apply(object)
	if err != nil {
		return nil, fmt.Errorf("failed to apply the patch: %w", err)
	}
	return patched, nil
}
