// Package preparation is what the launcher does in PCP's container before PCP starts: each thing with its reason, and whether PCP may
// start without it.
package preparation
