// Command coredns is CoreDNS with the plugins that the names of one cluster need. Tests run it; nothing of it is part of the product.
package main

import (
	"github.com/coredns/coredns/coremain"

	// Each of these registers a plugin. CoreDNS knows their order by itself.
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() { coremain.Run() }
