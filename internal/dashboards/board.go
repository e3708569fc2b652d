package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// The types of data sources: https://grafana.com/docs/grafana/latest/datasources/prometheus/ and https://grafana-pcp.readthedocs.io.
const (
	sourcePrometheus = "prometheus"
	sourceVector     = "performancecopilot-vector-datasource"
	sourceValkey     = "performancecopilot-valkey-datasource"
)

// Sizes in units of Grafana's grid, which is 24 wide.
const (
	graphHeight = 8
	statHeight  = 4
)

// board is a dashboard for one type of data source, which its user chooses.
type board struct {
	// uid is the same in every release, so a new version replaces the old one.
	uid, title, description string
	source                  string
	// refresh is how often Grafana asks, and from is where the time range starts.
	refresh, from string
	variables     []variable
	rows          []row
	charts        []string
}

// variable is a variable whose values the data source knows.
type variable struct{ name, label, query string }

type row struct {
	title  string
	panels []panel
}

// panel is a graph or, with stat, a number.
type panel struct {
	title, description string
	// unit is one of Grafana's: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
	unit    string
	width   uint32
	stat    bool
	stacked bool
	// empty is the text of a number without data.
	empty string
	// warnAbove and alarmAbove color a number. They are equal if there is nothing between good and bad.
	warnAbove, alarmAbove float64
	// goodAbove is set instead if smaller numbers are the bad ones.
	goodAbove float64
	queries   []query
}

type query struct{ legend, expr string }

// build makes the classic form of a dashboard: the new one, version 2, is for Grafana 12 and later, and not for the sidecar.
func (b *board) build() (dashboard.Dashboard, error) { //nolint:staticcheck // See above.
	builder := dashboard.NewDashboardBuilder(b.title) //nolint:staticcheck // See above.
	builder.Uid(b.uid).Description(b.description).Tags([]string{"pcp"}).
		Time(b.from, "now").Refresh(b.refresh).Timezone(common.TimeZoneBrowser).Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type(b.source))
	for _, v := range b.variables {
		builder.WithVariable(dashboard.NewQueryVariableBuilder(v.name).Label(v.label).Datasource(b.ref()).
			Query(dashboard.StringOrMap{String: &v.query}).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc))
	}
	for _, r := range b.rows {
		builder.WithRow(dashboard.NewRowBuilder(r.title))
		for _, p := range r.panels {
			builder.WithPanel(b.panel(&p))
		}
	}
	built, err := builder.Build()
	number(built.Panels)
	return built, err //nolint:wrapcheck // generate says which dashboard.
}

// ref is the data source that the dashboard's user chooses, because a UID would belong to one Grafana only.
func (b *board) ref() common.DataSourceRef {
	return common.DataSourceRef{Type: &b.source, Uid: new("${datasource}")}
}

func (b *board) panel(p *panel) cog.Builder[dashboard.Panel] {
	if p.stat {
		return b.stat(p)
	}
	graph := timeseries.NewPanelBuilder().Title(p.title).Description(p.description).Unit(p.unit).Span(p.width).Height(graphHeight).Datasource(b.ref()).
		FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.stacked {
		graph.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).FillOpacity(40).LineWidth(0)
	}
	for n := range p.queries {
		graph.WithTarget(b.target(p, n))
	}
	return graph
}

func (b *board) stat(p *panel) cog.Builder[dashboard.Panel] {
	steps := []dashboard.Threshold{{Color: "green"}, {Color: "orange", Value: &p.warnAbove}, {Color: "red", Value: &p.alarmAbove}}
	switch {
	case p.goodAbove != 0:
		steps = []dashboard.Threshold{{Color: "red"}, {Color: "green", Value: &p.goodAbove}}
	case p.alarmAbove == 0:
		steps = steps[:1]
	case p.warnAbove == p.alarmAbove:
		steps = []dashboard.Threshold{steps[0], steps[2]}
	}
	shown := stat.NewPanelBuilder().Title(p.title).Description(p.description).Unit(p.unit).Span(p.width).Height(statHeight).Datasource(b.ref()).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	if p.empty != "" {
		shown.NoValue(p.empty)
	}
	for n := range p.queries {
		shown.WithTarget(b.target(p, n))
	}
	return shown
}

// target is a panel's nth query, in the form of its data source. Grafana's library does not know the form of grafana-pcp's:
// https://github.com/performancecopilot/grafana-pcp/blob/main/src/datasources/valkey/types.ts
func (b *board) target(p *panel, n int) cog.Builder[variants.Dataquery] {
	q, refID := p.queries[n], "ABCDEFGH"[n:n+1]
	if b.source == sourcePrometheus {
		return prometheus.NewDataqueryBuilder().RefId(refID).Datasource(b.ref()).Expr(q.expr).LegendFormat(q.legend)
	}
	return variants.NewUnknownDataqueryBuilderFromObject(variants.UnknownDataquery{
		"refId": refID, "datasource": b.ref(), "expr": q.expr, "legendFormat": q.legend, "format": "time_series",
	})
}

// number gives each panel and row an ID. Otherwise Grafana would give them new ones with every load, and links to panels would not last.
func number(panels []dashboard.PanelOrRowPanel) {
	for n := range panels {
		id := uint32(n + 1)
		if row := panels[n].RowPanel; row != nil {
			row.Id = id
			continue
		}
		panels[n].Panel.Id = &id
	}
}
