package countersign

// A Resource is a protected endpoint with labels.
type Resource struct {
	Name        string   `json:"name"` // "mcp/files"
	Environment string   `json:"environment,omitempty"`
	Regions     []string `json:"regions,omitempty"`
	DataClasses []string `json:"data_classes,omitempty"`
	// Owners are the names of the groups that own it; a rule's reviewer
	// "owners" means these.
	Owners []string `json:"owners,omitempty"`
	// Target is the digest of the upstream's address, arguments and user.
	Target Digest `json:"target,omitzero"`
	// UnsafeSameUser is true when the upstream child runs as the gateway's own
	// user without isolation; it is marked on every record.
	UnsafeSameUser bool `json:"unsafe_same_user,omitempty"`
	// Wrapped is the name of the agent in whose own process its commands run, which
	// could also run them without asking. Empty: the gateway runs them.
	Wrapped string `json:"wrapped,omitempty"`
	// Tools says what each tool does; one that is not listed is unknown.
	Tools map[string]Tool `json:"tools,omitempty"`
	// Tables say what data its tables hold, by schema and name: "public.users".
	// Without any its data has the classes of DataClasses; with some, a table that
	// is not among them is unlabelled.
	Tables map[string]Table `json:"tables,omitempty"`
	// Pins are the digests of the tools' definitions as first seen or repinned.
	Pins map[string]Digest `json:"pins,omitempty"`
	// Changed are the digests, as last listed, of definitions that are not their
	// pins: the tool is a new one until somebody repins it.
	Changed map[string]Digest `json:"changed,omitempty"`
	// Claims are what the pinned definitions say of their tools: they may raise
	// risk and never lower it.
	Claims map[string]ToolClaim `json:"claims,omitempty"`
}

// A Tool is what the configuration says one MCP tool does.
type Tool struct {
	Verbs   []string `json:"verbs,omitempty"`
	Classes []string `json:"classes,omitempty"`
	// Sink is the argument that says where data goes.
	Sink string `json:"sink,omitempty"`
	// Understand is the language of the text in Argument, LanguageSQL or
	// LanguageShell; what the text would do is added to Verbs. Empty for a tool
	// that is given none.
	Understand string `json:"understand,omitempty"`
	// Argument is the argument with that text, a dotted path.
	Argument string `json:"argument,omitempty"`
}

// The languages that are understood.
const (
	LanguageSQL   = "sql"
	LanguageShell = "shell"
)

// A Table is what the configuration says of the data in one table.
type Table struct {
	Classes []string `json:"classes,omitempty"`
	// Columns are the classes of single columns. A command that touches the table
	// is taken to touch them.
	Columns map[string]string `json:"columns,omitempty"`
}

// A ToolClaim is what a tool's own definition says of it (MCP annotations).
type ToolClaim struct {
	ReadOnly    bool `json:"read_only,omitempty"`
	Destructive bool `json:"destructive,omitempty"`
	Annotated   bool `json:"annotated,omitempty"`
	// OutputSchema is true when the tool declares a schema for its result.
	OutputSchema bool `json:"output_schema,omitempty"`
	// Mirror are the arguments that header fields repeat over HTTP, by the field's
	// name after Mcp-Param-, in lower case, each as its path (MCP 2026-07-28).
	Mirror map[string][]string `json:"mirror,omitempty"`
	// Places are the arguments that its schema says are addresses, by their dotted
	// paths: "uri", "email" or "hostname".
	Places map[string]string `json:"places,omitempty"`
}

// A Sink says in which region the addresses that match lie.
type Sink struct {
	Match  string `json:"match"` // a pattern with *, such as "s3://acme-eu-*"
	Region string `json:"region"`
}
