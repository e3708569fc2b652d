// Package e2e holds what the injected PCP container does on a real node. Run it with make e2e: root on Linux.
package e2e
