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
	// Line is where it stands in the file.
	Line int
}

// An Upstream is the other side of a resource: a program that speaks MCP over its
// standard input and output, or a server that speaks it over Streamable HTTP.
type Upstream struct {
	// URL is the server's address, http or https, in place of Command. It is asked
	// with the fields of Header and no others; redirects are not followed, and a
	// name that leads to a link-local or metadata address is not. Key "url".
	URL string
	// Header are the fields that each request to URL carries. What looks like a
	// secret must be a reference. Key "header".
	Header map[string]Value
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
	// Line is where it stands in the file.
	Line int
}
