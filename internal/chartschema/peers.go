package main

// peersMark in an @schema line stands for a list of NetworkPolicyPeer.
const peersMark = "$peers"

// peersSchema is closed in all its parts. Helm 3 lets the API server drop what it does not know, so that a typo in a selector would leave an
// empty one, which selects everything.
func peersSchema() schema {
	return schema{"type": "array", "items": closed(schema{
		"podSelector": selectorSchema(), "namespaceSelector": selectorSchema(),
		"ipBlock": requiring(closed(schema{"cidr": text(), "except": schema{"type": "array", "items": text()}}), "cidr"),
	})}
}

// selectorSchema is that of a LabelSelector. An empty one selects everything.
func selectorSchema() schema {
	expression := closed(schema{
		"key": text(), "operator": schema{"enum": []string{"In", "NotIn", "Exists", "DoesNotExist"}},
		"values": schema{"type": "array", "items": schema{"type": "string"}},
	})
	selector := closed(schema{
		"matchLabels":      schema{"type": "object", "additionalProperties": schema{"type": "string"}},
		"matchExpressions": schema{"type": "array", "items": requiring(expression, "key", "operator")},
	})
	delete(selector, "minProperties")
	return selector
}

// closed is an object that has at least one of the properties, and no others.
func closed(properties schema) schema {
	return schema{"type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties}
}

func requiring(object schema, keys ...string) schema {
	object["required"] = keys
	return object
}

func text() schema { return schema{"type": "string", "minLength": 1} }
