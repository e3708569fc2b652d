package charts_test

// requireWhole: after all that was broken and mended, Helm still knows every object of the release as its own: it upgrades it, uninstalls it
// and leaves nothing but what it should, and installs it again.
func (p *plugin) requireWhole() {
	p.t.Helper()
	p.upgrade("config.container.image=registry.example.com/pcp:whole", "replicas=3")
	p.replacePod()
	p.pod("node-monitor", withImage("registry.example.com/pcp:whole"))
	p.uninstall()
	p.install()
	p.serve()
	p.awaitTrust()
	p.replacePod()
	p.pod("node-monitor", injected)
	p.requireAllGreen()
	p.uninstall()
}
