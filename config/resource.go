package config

// A Resource is one protected endpoint. Key "resources" is a list of them.
type Resource struct {
	// Name is the kind and a name of your choice: "mcp/files". The door of
	// mcp/files is /mcp/files.
	Name string
	// Environment is a label that rules match: "prod". Key "environment".
	Environment string
	// Regions are where its data may be. Key "regions".
	Regions []string
	// DataClasses label its data: "pii". Without any its data is "unlabelled",
	// which no rule lets pass without a person. Key "data_classes".
	DataClasses []string
	// Owners are the groups that own it; a rule's reviewer "owners" means these.
	// Key "owners".
	Owners []string
	// Upstream is what lies behind it. Key "upstream".
	Upstream Upstream
	// Tools say what each tool does. One that is not listed is unknown and held:
	// its name and annotations are claims. Key "tools".
	Tools map[string]Tool
	// Tables say what data the tables hold that SQL is about, by schema and name:
	// "public.users". One that does not stand here is then unlabelled. Key "tables".
	Tables map[string]Table
	// Line is where it stands in the file.
	Line int
}

// A Table is what one table holds.
type Table struct {
	// Classes are the data classes of the table. Key "classes".
	Classes []string
	// Columns are the data classes of single columns; whoever touches the table is
	// taken to touch them. Key "columns".
	Columns map[string]string
}

// An Upstream is the other side of a resource: a program that speaks MCP over its
// standard input and output, a server that speaks it over Streamable HTTP, or a
// process of an agent's that attaches to this server.
type Upstream struct {
	// URL is the server's address, http or https, in place of Command. It is asked
	// with the fields of Header and no others; redirects are not followed, and a
	// name that leads to a link-local or metadata address is not. Key "url".
	URL string
	// Header are the fields that each request to URL carries. What looks like a
	// secret must be a reference. Key "header".
	Header map[string]Value
	// OAuth has the gateway ask an authorization server for the token that each
	// request to URL carries. Key "oauth".
	OAuth *OAuth
	// Command is the program and its arguments. Pin packages by version. Key
	// "command".
	Command []string
	// User is the operating system's user that the program runs as. Without one it
	// runs as the server's own user, kept from the data folder by Landlock where
	// the kernel has it. Key "user".
	User string
	// Dir is the program's working directory. Key "dir".
	Dir string
	// Env is the program's whole environment: nothing of the server's own reaches
	// it. What looks like a secret must be a reference. Key "env".
	Env map[string]Value
	// UnsafeSameUser lets the program run as the server's own user without any
	// isolation; every record says so. Key "unsafe_same_user".
	UnsafeSameUser bool
	// LogStderr puts what the program writes to its standard error into the server's
	// log, at most 100 lines a minute. Programs may write there what they are asked, or
	// what they answer. Key "log_stderr".
	LogStderr bool
	// Wrapped is the name of an agent, in place of Command and URL: commands run in a
	// process of its own, countersign mcp -- CMD, which attaches to this server. What
	// that process starts, and with what credentials, is the agent's own affair. Key
	// "wrapped".
	Wrapped string
}

// A Tool is what one MCP tool does. Key "tools" of a resource names each.
type Tool struct {
	// Verbs are of the catalogue: mcp.read, mcp.write. Load does not know it;
	// whoever starts the server checks them. Key "verbs".
	Verbs []string
	// Classes are the data classes that it touches, in place of its resource's.
	// Key "classes".
	Classes []string
	// Sink is the argument that says where data goes. Key "sink".
	Sink string
	// Understand is the language of a text that the tool is given, sql or shell:
	// what the text would do is found out for each call, and Verbs add to it. What
	// cannot be understood is held. Key "understand".
	Understand string
	// Argument is the argument with that text: "query". Key "argument".
	Argument string
	// Line is where it stands in the file.
	Line int
}
