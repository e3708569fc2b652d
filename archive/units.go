package archive

import (
	"fmt"
	"math"
	"strings"
)

// Units are a metric's: powers of space, time and count, each with its scale, as pmUnits of PMAPI(3).
type Units struct {
	// Space, Time and Count are the dimensions: bytes a second have Space 1 and Time -1.
	Space, Time, Count int8
	// SpaceScale is 0 for bytes, 1 for KiB and so on.
	SpaceScale uint8
	// TimeScale is 0 for nanoseconds, then microseconds, milliseconds, seconds, minutes and hours.
	TimeScale uint8
	// CountScale is a power of 10.
	CountScale int8
	// Extra is what PCP has from 7.2 on beside the dimensions, such as a temperature: 0 for none, else its kind times 8 and its scale.
	Extra uint8
}

// Seconds is the scale of time in which rates are given.
const Seconds uint8 = 3

var (
	spaceNames = []string{"byte", "Kbyte", "Mbyte", "Gbyte", "Tbyte", "Pbyte", "Ebyte", "Zbyte", "Ybyte"}
	timeNames  = []string{"nanosec", "microsec", "millisec", "sec", "min", "hour"}
	// nanoseconds in each scale of time.
	nanoseconds = []float64{1, 1e3, 1e6, 1e9, 60e9, 3600e9}
	extraNames  = map[uint8]string{
		0x09: "temperature (C)", 0x0a: "temperature (F)", 0x0b: "temperature (K)",
		0x11: "voltage (V)", 0x12: "voltage (mV)", 0x13: "voltage (uV)",
		0x19: "current (A)", 0x1a: "current (mA)", 0x1b: "current (uA)",
		0x21: "power (kW)", 0x22: "power (W)", 0x23: "power (mW)", 0x24: "power (uW)",
	}
)

// unpackUnits reads six fields of four bits from the high end.
func unpackUnits(bits uint32) Units {
	nibble := func(at uint) uint8 { return uint8(bits >> at & 0xf) }
	signed := func(at uint) int8 { return int8(nibble(at)<<4) >> 4 }                                 //nolint:gosec // Extends the sign.
	return Units{signed(28), signed(24), signed(20), nibble(16), nibble(12), signed(8), uint8(bits)} //nolint:gosec // The lowest byte.
}

// String is as pmUnitsStr(3)'s, such as Kbyte / sec; empty for a number without a unit.
func (u Units) String() string {
	var over, under []string
	if u.Extra != 0 {
		over = append(over, u.extra())
	}
	for _, part := range []struct {
		power int8
		name  string
	}{{u.Space, scaleName(spaceNames, u.SpaceScale, "space")}, {u.Time, scaleName(timeNames, u.TimeScale, "time")}, {u.Count, countName(u.CountScale)}} {
		switch {
		case part.power > 0:
			over = append(over, power(part.name, int(part.power)))
		case part.power < 0:
			under = append(under, power(part.name, -int(part.power)))
		}
	}
	if len(over)+len(under) == 0 && u.CountScale != 0 {
		return strings.TrimPrefix(countName(u.CountScale), "count ")
	}
	out := strings.Join(over, " ")
	if len(under) > 0 {
		out += " / " + strings.Join(under, " ")
	}
	return strings.TrimPrefix(out, " ")
}

func (u Units) extra() string {
	if name, ok := extraNames[u.Extra]; ok {
		return name
	}
	return fmt.Sprintf("extra-%d-%d", u.Extra>>3, u.Extra&7)
}

func power(name string, times int) string {
	if times == 1 {
		return name
	}
	return fmt.Sprintf("%s^%d", name, times)
}

func scaleName(names []string, scale uint8, kind string) string {
	if int(scale) < len(names) {
		return names[scale]
	}
	return fmt.Sprintf("%s-%d", kind, scale)
}

func countName(scale int8) string {
	switch scale {
	case 0:
		return "count"
	case 1:
		return "count x 10"
	}
	return fmt.Sprintf("count x 10^%d", scale)
}

// Factor is what a value in units u is multiplied with to be one in units to. The dimensions must be the same.
func (u Units) Factor(to Units) (float64, error) {
	if u.Space != to.Space || u.Time != to.Time || u.Count != to.Count || u.Extra != to.Extra {
		return 0, fmt.Errorf("%q cannot be converted to %q: they do not measure the same", u, to)
	}
	if int(max(u.TimeScale, to.TimeScale)) >= len(nanoseconds) {
		return 0, fmt.Errorf("%q cannot be converted to %q: unknown scale of time", u, to)
	}
	space := math.Pow(1024, float64(u.Space)*(float64(u.SpaceScale)-float64(to.SpaceScale)))
	time := math.Pow(nanoseconds[u.TimeScale]/nanoseconds[to.TimeScale], float64(u.Time))
	exponent := float64(u.Count)
	if u.Space == 0 && u.Time == 0 && u.Count == 0 {
		exponent = 1 // A number without a unit has a scale, too.
	}
	count := math.Pow(10, exponent*(float64(u.CountScale)-float64(to.CountScale)))
	return space * time * count, nil
}

// perSecond are the units of the rate of a counter, and its factor. Time is counted as how much of it was used, a number without a unit.
func (u Units) perSecond() (Units, float64) {
	rate, factor := u, 1.0
	if u.Time != 0 && int(u.TimeScale) < len(nanoseconds) {
		factor = math.Pow(nanoseconds[u.TimeScale]/nanoseconds[Seconds], float64(u.Time))
	}
	rate.TimeScale = Seconds
	rate.Time--
	return rate, factor
}
