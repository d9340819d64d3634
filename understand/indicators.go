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
	{"data.sink-possible", countersign.Medium, "An argument says where data may go, and the configuration does not say what it is for."},
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
	{"sh.args-from-stdin", countersign.Medium, "Runs a program with arguments that nobody sees before it runs."},
	{"sh.credential-read", countersign.High, "Names a file in which secrets are usually kept."},
	{"sh.defines-function", countersign.Medium, "Gives a name to a piece of shell, which may stand for a program then."},
	{"sh.destructive", countersign.High, "Deletes, or overwrites what cannot be had again."},
	{"sh.dynamic", countersign.Low, "An argument is made while it runs."},
	{"sh.dynamic-command", countersign.High, "Which program runs is decided while it runs."},
	{"sh.encoded-argument", countersign.High, "Decodes what it then uses, so that the line does not show it."},
	{"sh.env-hijack", countersign.High, "Sets a variable that decides which code a program loads or runs."},
	{"sh.eval", countersign.Medium, "Runs a text as shell."},
	{"sh.file-write", countersign.Medium, "Writes to a file."},
	{"sh.interactive", countersign.High, "Opens a shell in which anything can be done."},
	{"sh.interpreter", countersign.Medium, "Runs a program in another language, which is not understood."},
	{"sh.network", countersign.Medium, "Talks to another machine."},
	{"sh.opaque", countersign.High, "Runs what the line does not show."},
	{"sh.pipe-to-shell", countersign.Critical, "Runs whatever comes out of a pipe."},
	{"sh.privilege", countersign.Critical, "Continues as another user, or changes what runs later and as whom."},
	{"sh.remote-exec", countersign.High, "Runs a program on another machine, or in a container."},
	{"sh.substitution", countersign.Low, "A command inside another gives it its arguments."},
	{"sh.unclassified", countersign.Medium, "Parses, and is not on the list of what is understood."},
	{"sh.unknown-command", countersign.Medium, "A program that is not on the list."},
	{"sh.unparseable", countersign.High, "Cannot be parsed, so nobody can say what it does."},
	{"sql.admin", countersign.High, "Acts on the database server or on other sessions."},
	{"sql.credential-read", countersign.High, "Reads passwords, secrets of the server or what others are doing."},
	{"sql.cursor", countersign.Medium, "Leaves a query open, of which later statements read."},
	{"sql.destructive", countersign.Critical, "Drops or empties, which nothing brings back."},
	{"sql.explain", countersign.Low, "Asks how a statement would run, without running it."},
	{"sql.explain-analyze", countersign.Medium, "Runs the statement that it seems only to explain."},
	{"sql.export", countersign.High, "Copies data out in bulk."},
	{"sql.function-unknown", countersign.Medium, "Calls a function, an operator or a type that is not on the list."},
	{"sql.identity-switch", countersign.High, "Continues as another role or user."},
	{"sql.lexer-setting", countersign.High, "Changes how the text of later statements is read."},
	{"sql.lock", countersign.Medium, "Keeps others waiting."},
	{"sql.multi-statement", countersign.Medium, "More than one statement."},
	{"sql.network", countersign.High, "Has the database server talk to another machine."},
	{"sql.no-where", countersign.Critical, "Changes every row: no condition, or one that is always true."},
	{"sql.opaque", countersign.High, "Runs SQL that the text does not show."},
	{"sql.os-command", countersign.Critical, "Runs a program on the database server."},
	{"sql.privilege", countersign.Critical, "Changes who may do what in a database."},
	{"sql.sequence", countersign.Low, "Moves a sequence."},
	{"sql.server-code", countersign.High, "Runs, or leaves behind, code in the database server."},
	{"sql.server-config", countersign.Critical, "Changes how the database server is set up."},
	{"sql.server-file", countersign.Critical, "Reads or writes files of the database server."},
	{"sql.session-setting", countersign.Medium, "Changes how later statements of the session behave."},
	{"sql.txn-control", countersign.Medium, "Begins or ends a transaction, around or instead of the one that it runs in."},
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
