package understand

import (
	"slices"

	"github.com/countersignhq/countersign"
)

// An Indicator is a line of the catalogue: what may be found. What was found in
// one request is a [countersign.Indicator] with the same id.
type Indicator struct {
	ID string // "mcp.tool-changed"
	// Severity is how bad it is unless whoever finds it knows better.
	Severity countersign.Severity
	Says     string // one sentence
}

// indicators is the catalogue, in the order of the ids. It is never written to.
var indicators = [...]Indicator{
	{"control.change", countersign.High, "Changes the rules, or who or what they are about."},
	{"data.leaves-region", countersign.High, "Data would go to a region that the resource does not name."},
	{"data.sink-unknown", countersign.Medium, "Data would go somewhere whose region is not known."},
	{"json.unreadable", countersign.High, "The arguments can be read two ways: a key twice, or in two cases."},
	{"k8s.delete-collection", countersign.Critical, "Deletes every object of a kind that matches."},
	{"k8s.rbac", countersign.Critical, "Changes who may do what in a cluster."},
	{"mcp.large", countersign.Low, "The arguments are unusually large."},
	{"mcp.method-unknown", countersign.Medium, "An MCP method that this version does not know."},
	{"mcp.tool-changed", countersign.High, "The tool's definition is not the one that was pinned."},
	{"mcp.tool-destructive", countersign.Medium, "The tool says of itself that it may destroy something."},
	{"mcp.tool-unannotated", countersign.Medium, "The tool does not say whether it reads or destroys."},
	{"mcp.tool-unlisted", countersign.Medium, "The configuration does not say what the tool does."},
	{"mcp.tool-unpinned", countersign.Low, "No definition of the tool has been seen yet, so a change cannot be noticed."},
	{"request.repeat", countersign.Info, "The same agent asked for the same command before."},
	{"request.repeat-after-unknown", countersign.High, "The same command ran before and nobody knows how it ended."},
	{"request.unsafe-same-user", countersign.Info, "The upstream runs as the gateway's own user, without isolation."},
	{"sql.identity-switch", countersign.High, "Continues as another role or user."},
	{"sql.no-where", countersign.Critical, "Changes every row: no condition, or one that is always true."},
	{"sql.privilege", countersign.Critical, "Changes who may do what in a database."},
	{"sql.unbounded-read", countersign.Medium, "Reads as many rows as there are."},
	{"sql.unclassified", countersign.Medium, "Parses, and holds something that is not on the list of what is understood."},
	{"sql.unparseable", countersign.High, "Cannot be parsed, so nobody can say what it does."},
	{"text.bidi", countersign.Critical, "Characters turn the reading order of the text around them (CVE-2021-42574)."},
	{"text.hidden", countersign.High, "Characters that nobody sees."},
	{"text.homoglyph", countersign.High, "Letters that look like others in the same word."},
	{"text.padding", countersign.Medium, "Blanks push text out of view."},
}

// Indicators returns the catalogue of indicators in the order of their ids.
func Indicators() []Indicator { return slices.Clone(indicators[:]) }

// FindIndicator returns the indicator with the id.
func FindIndicator(id string) (Indicator, bool) {
	i := slices.IndexFunc(indicators[:], func(ind Indicator) bool { return ind.ID == id })
	if i < 0 {
		return Indicator{}, false
	}
	return indicators[i], true
}
