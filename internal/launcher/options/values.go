package options

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxPeriod = time.Hour
	maxDays   = 3650
)

// units are those of Kubernetes' quantities in which the injector writes sizes, the largest first.
var units = []struct {
	suffix string
	bytes  int64
}{
	{"Pi", 1 << 50}, {"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}, {"", 1},
}

func parseSize(text string) (int64, error) {
	for _, unit := range units {
		digits, found := strings.CutSuffix(text, unit.suffix)
		if !found {
			continue
		}
		number, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || number < 1 || number > (1<<62)/unit.bytes {
			break
		}
		return number * unit.bytes, nil
	}
	return 0, errors.New("must be a size of at least 1 byte, such as 800Mi or 8Gi")
}

func formatSize(bytes int64) string {
	for _, unit := range units {
		if bytes%unit.bytes == 0 {
			return strconv.FormatInt(bytes/unit.bytes, 10) + unit.suffix
		}
	}
	return strconv.FormatInt(bytes, 10)
}

func parsePeriod(text string) (time.Duration, error) {
	period, err := time.ParseDuration(text)
	if err != nil || period < time.Second || period > maxPeriod || period%time.Second != 0 {
		return 0, errors.New("must be whole seconds from 1s to 3600s, such as 10s")
	}
	return period, nil
}

func formatPeriod(period time.Duration) string { return fmt.Sprintf("%ds", period/time.Second) }

func parseDays(text string) (int, error) {
	days, err := strconv.Atoi(text)
	if err != nil || days < 1 || days > maxDays {
		return 0, fmt.Errorf("must be a number from 1 to %d", maxDays)
	}
	return days, nil
}

// The agent's own names: what else is in them would end up in a file of pmlogger's, and in its path.
var sourceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func parseInterval(text string) (Interval, error) {
	name, duration, _ := strings.Cut(text, "=")
	if !sourceName.MatchString(name) {
		return Interval{}, errors.New("must name a source, with letters, digits and _: --openmetrics-interval=app=5s")
	}
	period, err := parsePeriod(duration)
	return Interval{Source: name, Period: period}, err
}

func anyText(string) error { return nil }

func checkListen(text string) error {
	if l := Listen(text); l != AllAddresses && l != Loopback {
		return fmt.Errorf("must be %s or %s", AllAddresses, Loopback)
	}
	return nil
}

var ruleName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func checkRule(text string) error {
	if !ruleName.MatchString(text) {
		return errors.New("must be a name of pmieconf's, such as cpu.load_average")
	}
	return nil
}

func checkURL(text string) error {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "http" || address.Host == "" || strings.ContainsAny(text, " \t\n\"'\\") {
		return errors.New("must be the address of a pmproxy, such as http://collector:44322")
	}
	return nil
}

func checkPath(text string) error {
	if !path.IsAbs(text) || path.Clean(text) != text || text == "/" {
		return errors.New("must be an absolute path, without dots between its slashes")
	}
	return nil
}
