package main

import "github.com/performancecopilot/pcp-injector/internal/gate"

// What the verbs write for machines, and how their help documents it.

// reported is written by explain and verify.
type reported struct {
	Reports []*gate.Report `json:"reports"`
}

// checked is written by check.
type checked struct {
	Result gate.Result `json:"result"`
	reported
}

// listed is written by status.
type listed struct {
	Pods []podStatus `json:"pods"`
}

const machinesHelp = `With -o json it writes one object. Its fields do not change, and others may be added:
`

const reportsHelp = `  reports[].subject     what was looked at, for people
  reports[].gates[]     what was found out, one gate each:
    name                one word, or words joined by dashes
    result              passed, warning, unknown or failed
    evidence            what was seen, or why nothing was, for people
    remedy.name         of what to do, if the gate is not passed
    remedy.advice       what to do, for people
    remedy.commands[]   the commands that do it
    remedy.notes[]      what else there is to know about the commands, or
                        why there are none
    remedy.order        a number: remedies of a lower one come first
`
