package gate

import "slices"

// Mended are the failed gates in the order of their remedies, each remedy once. Gates without one are left out.
func Mended(reports ...*Report) []*Gate {
	var failed []*Gate
	for _, r := range reports {
		for n := range r.Gates {
			g := &r.Gates[n]
			known := func(other *Gate) bool { return other.Remedy.Equal(g.Remedy) }
			if g.Result == Failed && g.Remedy != nil && !slices.ContainsFunc(failed, known) {
				failed = append(failed, g)
			}
		}
	}
	slices.SortStableFunc(failed, func(a, b *Gate) int { return a.Remedy.Text().Order - b.Remedy.Text().Order })
	return failed
}
