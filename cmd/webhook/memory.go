package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// memoryLimit is the target of Go's runtime. With the program's own pages, of which about 20 MiB are resident, it keeps the process
	// below 64 MiB. The most that is in use, in MiB:
	//	 4  an idle process
	//	 8  an ordinary body for each of maxConnections; or their headers, 4 KiB each that grow thirtyfold as a map: 16
	//	 8  TLS and buffers of the connections, 64 KiB each
	//	 7  one large body
	//	 6  what is decoded from it, and from an ordinary one
	// The rest is garbage that is not yet collected.
	memoryLimit = 36 << 20
	// maxThreads limits the threads that run Go code, because each has its own caches: a node with 128 CPUs would cost 128 of them. An
	// injection takes less than 100 µs.
	maxThreads = 4
)

// limitMemory limits the memory of the process, wherever it runs. GOMEMLIMIT takes precedence.
func limitMemory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(memoryLimit)
	}
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), maxThreads))
}
