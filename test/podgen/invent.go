package podgen

import (
	"fmt"
	"math/rand/v2"
)

// Invent adds fields that no API server knows, here and there at every level of the object, as a newer one may have.
func Invent(r *rand.Rand, object any) {
	switch node := object.(type) {
	case map[string]any:
		for _, child := range node {
			Invent(r, child)
		}
		// Maps of free keys hold strings; an invention there would be a user's key, not an unknown field.
		if chance(r, 3) && !isStringMap(node) {
			node[fmt.Sprintf("invented%d", r.IntN(1000))] = invention(r, 2)
		}
	case []any:
		for _, child := range node {
			Invent(r, child)
		}
	}
}

func isStringMap(node map[string]any) bool {
	for _, child := range node {
		if _, ok := child.(string); !ok {
			return false
		}
	}
	return true
}

func invention(r *rand.Rand, depth int) any {
	switch kind := r.IntN(6); {
	case kind == 0 && depth > 0:
		return map[string]any{"Name": invention(r, depth-1), "spec": invention(r, depth-1)}
	case kind == 1 && depth > 0:
		return []any{invention(r, depth-1), nil}
	case kind == 2:
		return r.Int64()
	case kind == 3:
		return r.NormFloat64()
	case kind == 4:
		return nil
	}
	return "invented <&>\u2028 " + pick(r, "a", "ä", "~0/")
}
