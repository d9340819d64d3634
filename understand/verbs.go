// Package understand says what a command would do. This folder holds the words
// it says it in: [Verbs] and [Indicators], the two catalogues that rules,
// reviewers and records speak in. Each kind of command has a package of its own
// beside them, which turns a command into [countersign.Facts].
//
// docs/policy.md prints both tables; a test keeps it equal to the code.
package understand

import "slices"

// A Verb is something that a command does to a resource.
type Verb struct {
	ID   string // "mcp.write"
	Says string // one sentence
	// Mutates is true when it may change something. What is not understood may.
	Mutates bool
}

// verbs is the catalogue, in the order of the ids. It is never written to.
var verbs = [...]Verb{
	{ID: "control.agent", Says: "Adds or changes an agent, or its tokens.", Mutates: true},
	{ID: "control.group", Says: "Changes who is in a group.", Mutates: true},
	{ID: "control.halt", Says: "Lets an agent's actions run again, of which everything was held.", Mutates: true},
	{ID: "control.person", Says: "Adds or changes a person who decides.", Mutates: true},
	{ID: "control.policy", Says: "Changes the policy.", Mutates: true},
	{ID: "control.resource", Says: "Adds, relabels, repins or removes a resource.", Mutates: true},
	{ID: "http.read", Says: "An HTTP operation that only reads."},
	{ID: "http.stream", Says: "A WebSocket or event stream that stays open.", Mutates: true},
	{ID: "http.unknown", Says: "An HTTP operation that nothing describes.", Mutates: true},
	{ID: "http.write", Says: "An HTTP operation that changes something.", Mutates: true},
	{ID: "k8s.exec", Says: "Runs something in a pod or opens a way into one: exec, attach, portforward, proxy.", Mutates: true},
	{ID: "k8s.read", Says: "Gets, lists or watches objects of a cluster."},
	{ID: "k8s.unknown", Says: "A request to a cluster that is not understood.", Mutates: true},
	{ID: "k8s.write", Says: "Creates, changes or deletes objects of a cluster.", Mutates: true},
	{ID: "mcp.read", Says: "A tool that the configuration says only reads, or an MCP method that only reads."},
	{ID: "mcp.unknown", Says: "A tool that the configuration does not list, or an unknown MCP method.", Mutates: true},
	{ID: "mcp.write", Says: "A tool that the configuration says changes something.", Mutates: true},
	{ID: "shell.exec", Says: "Runs programs that may change something.", Mutates: true},
	{ID: "shell.read", Says: "Runs only programs that are known to read, in a way in which they only read."},
	{ID: "sql.control", Says: "Acts on the session, the server or who may do what: settings, transactions, locks, roles, files.", Mutates: true},
	{ID: "sql.ddl", Says: "Creates, alters or drops objects of a database.", Mutates: true},
	{ID: "sql.delete", Says: "Deletes rows; stands beside sql.write.", Mutates: true},
	{ID: "sql.read", Says: "Reads rows."},
	{ID: "sql.unknown", Says: "SQL that is not understood, or that runs code nobody described.", Mutates: true},
	{ID: "sql.write", Says: "Inserts, updates or deletes rows.", Mutates: true},
}

// Verbs returns the catalogue of verbs in the order of their ids.
func Verbs() []Verb { return slices.Clone(verbs[:]) }

// FindVerb returns the verb with the id.
func FindVerb(id string) (Verb, bool) {
	i := slices.IndexFunc(verbs[:], func(v Verb) bool { return v.ID == id })
	if i < 0 {
		return Verb{}, false
	}
	return verbs[i], true
}
