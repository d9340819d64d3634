// Package config is the configuration, countersign.yaml. The fields of Config are
// its manual; Load reads a file strictly: a key that nobody knows is an error with
// the line it stands in, and never a setting that is silently without effect.
package config

import (
	"net"
	"net/url"

	"github.com/countersignhq/countersign"
)

// A Config is what one server is told. A file that is empty is a server with no
// resources.
type Config struct {
	// File is the path that it was read from, as it is named in messages.
	File string
	// Dir is the folder of the file. Relative paths in the file start here.
	Dir string

	// Listen is the address of the console, the API and the log's tiles.
	// Key "listen". Defaults to 127.0.0.1:8480.
	Listen string
	// Doors is the address of the doors that agents use. It is another address
	// than Listen on purpose: what an upstream answers must never come from the
	// console's origin. Key "doors". Defaults to 127.0.0.1:8481.
	Doors string
	// DoorsURL is how agents reach Doors, another host than PublicURL's in production.
	// A token of an issuer must be for an address under it: DoorsURL/mcp/files. Key
	// "doors_url". Defaults to http:// and Doors.
	DoorsURL string
	// PublicURL is how people reach Listen: links and the log's origin are made
	// from it. Key "public_url". Empty, the default, is http://localhost with
	// Listen's port.
	PublicURL string
	// Data is the folder of the database, the admin socket and, by default, the
	// keys. It is 0700. Key "data". Defaults to data beside the file.
	Data string
	// Keys say where the keys lie.
	Keys Keys
	// Policy are files or folders of PolicySets (*.yaml). Key "policy". Without
	// any, the starter policy is loaded.
	Policy []string
	// Groups are groups of people by name, each person as issuer|subject:
	// "local|bob". A group that stands here has exactly these members; others are
	// kept by countersign group set, and so are the members of one that is declared
	// without any. Key "groups".
	Groups map[string][]Member
	// OnCall are groups whose members a schedule selects from those of another. Key
	// "oncall".
	OnCall []OnCall
	// Sinks say in which region the places lie that data can go to. Of one that no
	// line matches the region is unknown. Key "sinks".
	Sinks []countersign.Sink
	// Limits are what one agent may ask. Key "limits".
	Limits Limits
	// Metrics say who may read /metrics. Key "metrics".
	Metrics Metrics
	// Channels are the chats in which reviewers are asked. Key "channels".
	Channels Channels
	// Clients say how long agents' MCP clients wait, where that is not what is
	// known of them. Key "clients".
	Clients map[string]Patience
	// Issuers are whose tokens let agents in besides their own. Key "issuers".
	Issuers []Issuer
	// Resources are the protected endpoints. Key "resources".
	Resources []Resource
}

// Keys say where the keys lie, each as file:PATH. Key "keys". By default all lie
// in the data folder; in production they lie elsewhere than what they guard.
type Keys struct {
	// Log is the private key of the log, as text. Whoever has it can forge what no
	// witness has seen. Key "log". Defaults to log.key in the data folder.
	Log string
	// Vault is the 32-byte key, as hex, that what is sealed is wrapped with. Key
	// "vault". Defaults to vault.key in the data folder.
	Vault string
	// Pin is the highest size and root of the log that was ever seen: the server
	// does not start below it. Key "pin". Defaults to log.pin in the data folder.
	Pin string
}

// Limits keep one agent from crowding out the others; 0 is no limit.
type Limits struct {
	// RequestsPerMinute is how often an agent may ask. Key "requests_per_minute".
	// Defaults to 600.
	RequestsPerMinute int
	// Pending is how many requests of an agent may wait for people at a time. Key
	// "pending". Defaults to 200.
	Pending int
}

func defaultLimits() Limits { return Limits{RequestsPerMinute: 600, Pending: 200} }

// Metrics say who may read /metrics. docs/monitoring.md tells what is there.
type Metrics struct {
	// Token is the bearer token that whoever reads them must send, from anywhere:
	// "env:COUNTERSIGN_METRICS_TOKEN". Without one they are for programs on this
	// machine alone, and where public_url is no loopback name, for nobody: whoever
	// comes through the proxy there looks like a program on this machine. Key "token".
	Token Value
}

// A Member is a person by what they are verified by.
type Member struct {
	// Issuer is "local" for the people that the operator adds.
	Issuer string
	// Subject is the name of a local person.
	Subject string
}

// String is the member as it stands in the file: "local|bob".
func (m Member) String() string { return m.Issuer + "|" + m.Subject }

// Defaults returns the configuration of a file that says nothing, in the folder.
func Defaults(dir string) Config {
	return Config{Dir: dir, Listen: "127.0.0.1:8480", Doors: "127.0.0.1:8481", Limits: defaultLimits()}.complete()
}

// Public is PublicURL, or what stands in for it where people reach the address.
func (c Config) Public(listening net.Addr) *url.URL {
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		return u
	}
	host := "localhost"
	if _, port, err := net.SplitHostPort(listening.String()); err == nil {
		host += ":" + port
	}
	return &url.URL{Scheme: "http", Host: host}
}
