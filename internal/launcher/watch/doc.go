// Package watch is what the launcher does while PCP runs: it keeps archives within their limit, and asks sources for their metrics.
package watch
