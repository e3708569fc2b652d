package archive

import (
	"errors"
	"fmt"
)

// ErrTruncated is wrapped by the error of a file that ends within a record. So does one that pmlogger is writing, for a moment.
var ErrTruncated = errors.New("the file ends within a record")

// FormatError says what is wrong with a file of an archive, and where.
type FormatError struct {
	File   string
	Offset int64
	Reason error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: byte %d: %v", e.File, e.Offset, e.Reason)
}

func (e *FormatError) Unwrap() error { return e.Reason }

// Status is why a metric has no values in a sample: a code of PMAPI(3), always negative.
type Status int32 //nolint:errname // It is a number of PMAPI(3), which has a text.

func (s Status) Error() string {
	if text, ok := statusTexts[s]; ok {
		return text
	}
	return fmt.Sprintf("PCP error %d", int32(s))
}

// statusTexts are pmErrStr(3)'s for what agents and pmcd answer to a fetch.
var statusTexts = map[Status]string{
	-12345: "Generic error, already reported above",
	-12350: "Metric not supported by this version of monitored application",
	-12351: "Missing metric value(s)",
	-12353: "Timeout waiting for a response from PMCD",
	-12355: "PMCD reset or configuration change",
	-12357: "Unknown metric name",
	-12358: "Unknown or illegal metric identifier",
	-12359: "Unknown or illegal instance domain identifier",
	-12360: "Unknown or illegal instance identifier",
	-12361: "Illegal pmUnits specification",
	-12365: "Explicit instance identifier(s) required",
	-12366: "IPC protocol failure",
	-12386: "No PMCD agent for domain of request",
	-12387: "No permission to perform requested operation",
	-12389: "Try again. Information not currently available",
	-12397: "Unknown or illegal metric type",
	-12399: "Container not found",
	-12411: "PMDA is currently fenced and unable to respond to requests",
}
