// Package state is what the launcher says of itself: the JSON that it serves, for whoever asks.
package state

import "time"

// Port on the loopback address at which the launcher serves, beside PCP's 44321 to 44323. It is among the ports that Linux takes for outgoing
// connections (32768 to 60999), so it may be taken now and then where PCP is on the node's network.
const Port = 44324

// State is the answer to GET /state.
type State struct {
	// Version is the launcher's, For that of the injector that wrote its flags, PCP the image's.
	Version string `json:"version"`
	For     string `json:"for,omitempty"`
	PCP     string `json:"pcp"`
	// Flags with which it runs.
	Flags []string `json:"flags"`
	// Prepared is what was done before PCP started.
	Prepared []Preparation `json:"prepared"`
	Services []Service     `json:"services"`
	// Archives are absent where pmlogger does not run, and before the first look at them.
	Archives *Archives `json:"archives,omitempty"`
}

// Preparation is one thing that was done, or not, before PCP started.
type Preparation struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// Error is empty if it was done.
	Error string `json:"error,omitempty"`
}

// Service is one of PCP's.
type Service struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	PID     int    `json:"pid,omitempty"`
	// Since when it runs.
	Since time.Time `json:"since,omitzero"`
	// Restarts that the launcher has seen.
	Restarts int `json:"restarts"`
}

// Archives are those of pmlogger together.
type Archives struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
	Limit int64 `json:"limit"`
	// DaysThatFit is absent until archives show at which pace they grow.
	DaysThatFit *float64 `json:"daysThatFit,omitempty"`
}

// List is the answer to GET /archives, the archive that was written last first.
type List struct {
	Archives []Archive `json:"archives"`
	// Omitted are archives beyond MaxArchives.
	Omitted int `json:"omitted,omitempty"`
}

// MaxArchives in a list.
const MaxArchives = 10_000

// Archive is one in the list. GET /archives/<one of its files> reads it, in ranges too.
type Archive struct {
	// Path is HOST/NAME.
	Path    string    `json:"path"`
	Written time.Time `json:"written"`
	Bytes   int64     `json:"bytes"`
	Files   []string  `json:"files"`
}
