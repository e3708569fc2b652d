package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// memoryLimit is what Go's runtime tries to stay below; with the program's own pages, of which about 20 MiB are resident, it keeps
	// the process below 64 MiB. At the most, in MiB:
	//	 4  what an idle process has
	//	 8  an ordinary body for each of maxConnections; or their headers, 4 KiB each that grow thirtyfold as a map: 16
	//	 8  TLS and buffers of the connections, 64 KiB each
	//	 7  one large body
	//	 6  what is decoded of it, and of an ordinary one
	// The rest is garbage that waits to be collected.
	memoryLimit = 36 << 20
	// maxThreads run Go code: each has its own caches, so a node with 128 CPUs would cost 128 of them. An injection takes less
	// than 100 µs.
	maxThreads = 4
)

// limitMemory bounds the memory of the process, wherever it runs. GOMEMLIMIT wins.
func limitMemory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(memoryLimit)
	}
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), maxThreads))
}
