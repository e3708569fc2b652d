package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

var (
	_ pflag.Value = &address{}
	_ pflag.Value = new(seconds)
	_ pflag.Value = &choice{}
)

// address to listen on; without a host, all addresses.
type address struct {
	host string
	port int
}

var errAddress = errors.New(`must be "host:port" or ":port" with a port from 1 to 65535, e.g. ":10250" or "127.0.0.1:10250"`)

// Set refuses port 0, which would be a random port that no probe and no Service could find.
func (a *address) Set(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return errAddress
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return errAddress
	}
	a.host, a.port = host, int(number)
	return nil
}

func (a *address) String() string { return net.JoinHostPort(a.host, strconv.Itoa(a.port)) }

// Type is the name of the value in --help.
func (*address) Type() string { return "ADDR" }

const maxDrain = 300

// seconds to drain, as a whole number.
type seconds int

func (s *seconds) Set(text string) error {
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 || number > maxDrain {
		return fmt.Errorf("must be a whole number of seconds from 0 to %d", maxDrain)
	}
	*s = seconds(number)
	return nil
}

func (s *seconds) String() string { return strconv.Itoa(int(*s)) }

// Type is the name of the value in --help.
func (*seconds) Type() string { return "SECONDS" }

// choice is one of a few words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return fmt.Errorf("must be one of %s", c.list())
	}
	c.value = text
	return nil
}

func (c *choice) String() string { return c.value }

// Type is the name of the value in --help.
func (*choice) Type() string { return "WORD" }

func (c *choice) list() string { return strings.Join(c.allowed, ", ") }
