package main

import (
	"encoding/json"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// kind says how a value is written.
type kind int

const (
	kindString kind = iota
	kindBoolean
	kindInteger
	kindQuantity
	kindPort
	kindObject
	kindMap
	kindList
)

// node describes a value of the configuration.
type node struct {
	kind kind
	// doc is the comment of the field, typeDoc that of its type.
	doc, typeDoc string
	// typ is the name of the Go type. foreign: Kubernetes defines it. foreignDoc: Kubernetes wrote the comment.
	typ                 string
	foreign, foreignDoc bool
	// bits of an integer.
	bits int
	// allowed values of a string.
	allowed []string
	// value by default, as in JSON; nil if there is none or it depends on other fields.
	value any
	// keys of an object, in the order of declaration.
	keys []key
	// element of a map or list.
	element *node
	// rule of a string; optional: the string may be empty.
	rule     config.TextRule
	optional bool
	// unique and nonempty restrict a list.
	unique, nonempty bool
}

type key struct {
	name string
	*node
}

// foreignValues are the values allowed for string types of Kubernetes.
var foreignValues = map[reflect.Type][]string{
	reflect.TypeFor[corev1.PullPolicy]():                 {"Always", "IfNotPresent", "Never"},
	reflect.TypeFor[corev1.PersistentVolumeAccessMode](): {"ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"},
	reflect.TypeFor[corev1.URIScheme]():                  {"HTTP", "HTTPS"},
}

// openTypes have constants for the known values, and allow others.
var openTypes = map[reflect.Type]bool{reflect.TypeFor[config.TargetKind](): true}

// model describes the whole configuration.
func (c *comments) model() *node {
	root := c.describe(reflect.TypeFor[config.InjectorConfig]())
	root.key("apiVersion").allowed = []string{config.APIVersion}
	root.key("kind").allowed = []string{config.Kind}
	root.setDefaults(asJSON(config.Default()))
	return root
}

func (c *comments) describe(typ reflect.Type) *node {
	if typ.Kind() == reflect.Pointer {
		return c.describe(typ.Elem())
	}
	n := &node{typ: typ.Name(), foreign: isForeign(typ)}
	if !n.foreign {
		n.typeDoc = c.types[typ.Name()]
	}
	switch typ {
	case reflect.TypeFor[resource.Quantity]():
		n.kind = kindQuantity
		return n
	case reflect.TypeFor[intstr.IntOrString]():
		n.kind = kindPort
		return n
	}
	c.describeKind(n, typ)
	return n
}

func (c *comments) describeKind(n *node, typ reflect.Type) {
	switch typ.Kind() {
	case reflect.Struct:
		n.kind, n.keys = kindObject, c.keysOf(typ)
	case reflect.Map:
		n.kind, n.element = kindMap, c.describe(typ.Elem())
	case reflect.Slice:
		n.kind, n.element = kindList, c.describe(typ.Elem())
	case reflect.Bool:
		n.kind = kindBoolean
	case reflect.Int32, reflect.Int64:
		n.kind, n.bits = kindInteger, typ.Bits()
	case reflect.String:
		n.kind, n.allowed = kindString, foreignValues[typ]
		if !openTypes[typ] && !isForeign(typ) {
			n.allowed = c.constants[typ.Name()]
		}
	default:
		panic("a kind of type that the configuration did not have yet: " + typ.String())
	}
}

// keysOf flattens embedded structs, as encoding/json does.
func (c *comments) keysOf(typ reflect.Type) []key {
	var keys []key
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			keys = append(keys, c.keysOf(field.Type)...)
			continue
		}
		described := c.describe(field.Type)
		described.doc = c.fields[typ.Name()+"."+field.Name]
		described.restrict(field.Tag.Get("schema"))
		if isForeign(typ) {
			described.foreignDoc = true
			described.doc = strings.Join(strings.Fields(swaggerDoc(typ)[name]), " ")
		}
		keys = append(keys, key{name, described})
	}
	return keys
}

// restrict reads a field's tag "schema".
func (n *node) restrict(tag string) {
	for word := range strings.SplitSeq(tag, ",") {
		switch word {
		case "":
		case "optional":
			n.optional = true
		case "unique":
			n.unique = true
		case "nonempty":
			n.nonempty = true
		default:
			rule, known := config.TextRules[word]
			if !known {
				panic("a rule that config.TextRules does not have: " + word)
			}
			if n.kind == kindList {
				n.element.rule = rule
			} else {
				n.rule = rule
			}
		}
	}
}

func isForeign(typ reflect.Type) bool {
	return typ.PkgPath() != "" && typ.PkgPath() != reflect.TypeFor[config.InjectorConfig]().PkgPath()
}

// swaggerDoc returns the comments that Kubernetes generates into its types.
func swaggerDoc(typ reflect.Type) map[string]string {
	if documented, ok := reflect.TypeAssert[interface{ SwaggerDoc() map[string]string }](reflect.Zero(typ)); ok {
		return documented.SwaggerDoc()
	}
	return nil
}

func (n *node) key(name string) *node {
	for _, k := range n.keys {
		if k.name == name {
			return k.node
		}
	}
	return nil
}

// setDefaults adds the values of the default configuration to the keys.
func (n *node) setDefaults(value any) {
	object, isObject := value.(map[string]any)
	if n.kind != kindObject || !isObject {
		n.value = value
		return
	}
	for _, k := range n.keys {
		if value, present := object[k.name]; present {
			k.setDefaults(value)
		}
	}
}

// asJSON is a value as encoding/json decodes it. The configuration can always be encoded.
func asJSON(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var decoded any
	if err := json.Unmarshal(data, &decoded); err != nil {
		panic(err)
	}
	return decoded
}
