package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
)

// Kinds of labels, with the numbers of PMAPI(3), from the general to the special: the special one wins.
const (
	labelContext   = 1
	labelDomain    = 2
	labelInDom     = 4
	labelCluster   = 8
	labelItem      = 16
	labelInstances = 32
)

// labelSubject is what labels are of. Those of instances are of an instance domain and an instance.
type labelSubject struct {
	kind     uint32
	id       uint32
	instance int32
}

// labelState are the labels from a time on, as JSON.
type labelState struct {
	at  stamp
	raw string
}

func (m *metadata) labelSets(in *fields) error {
	at, err := in.stamp(m.version)
	if err != nil {
		return err
	}
	kind, id, count := in.uint32(), in.uint32(), in.uint32()
	for range count {
		instance := in.int32()
		raw := bytes.TrimRight(in.bytes(int(in.int32())), "\x00")
		labels := int(in.int32())
		if in.short || labels < 0 {
			break
		}
		in.bytes(8 * labels) // Where the names and values are, which the JSON tells as well.
		m.addLabels(labelSubject{kind, id, instance}, at, raw)
	}
	if in.short {
		return errShort
	}
	return nil
}

func (m *metadata) addLabels(of labelSubject, at stamp, raw []byte) {
	known := m.labels[of]
	if count := len(known); count > 0 {
		if known[count-1].raw == string(raw) {
			return
		}
		at = max(at, known[count-1].at)
	}
	m.labels[of] = append(known, labelState{at, m.once(raw)})
	m.keep(96)
}

// labelsOf are those of a metric's instance at a time.
func (m *metadata) labelsOf(metric *Metric, instance int32, at stamp) (map[string]string, error) {
	id := uint32(metric.ID)
	subjects := []labelSubject{
		{labelContext, 0xffffffff, NoInstance},
		{labelDomain, id >> 22 & 0x1ff, NoInstance},
		{labelInDom, uint32(metric.Domain), NoInstance},
		{labelCluster, id &^ 0x3ff, NoInstance},
		{labelItem, id, NoInstance},
		{labelInstances, uint32(metric.Domain), instance},
	}
	out := map[string]string{}
	for _, subject := range subjects {
		states := m.labels[subject]
		last := sort.Search(len(states), func(i int) bool { return states[i].at > at })
		if last == 0 {
			continue
		}
		if err := merge(out, states[last-1].raw); err != nil {
			return nil, fmt.Errorf("the labels of %s: %w", metric.Name, err)
		}
	}
	return out, nil
}

// merge adds labels. A value that is not a text stays as JSON writes it.
func merge(to map[string]string, raw string) error {
	if raw == "" {
		return nil
	}
	var labels map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &labels); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	for name, value := range labels {
		var plain string
		if json.Unmarshal(value, &plain) != nil {
			plain = string(value)
		}
		to[name] = plain
	}
	return nil
}
