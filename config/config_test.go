package config_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
)

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "---\n"} {
		got, err := config.Parse("countersign.yaml", "/etc/cs", []byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want := config.Config{
			File: "countersign.yaml", Dir: "/etc/cs", Listen: "127.0.0.1:8480", Doors: "127.0.0.1:8481", Data: "/etc/cs/data",
			Keys:   config.Keys{Log: "/etc/cs/data/log.key", Vault: "/etc/cs/data/vault.key", Pin: "/etc/cs/data/log.pin"},
			Limits: config.Limits{RequestsPerMinute: 600, Pending: 200},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

const whole = `
listen: 127.0.0.1:9480
doors:  127.0.0.1:9481
public_url: https://countersign.example.com/
data: /var/lib/countersign
keys: {log: "file:/etc/keys/log", vault: "", pin: "file:pin"}
store: ""
policy: [policy/, /etc/more.yaml]
groups: {dba: ["https://idp.example|alice", "local|bob"], empty: []}
sinks: [{match: "s3://acme-eu-*", region: eu-west-1}]
resources:
- name: mcp/files
  environment: prod
  regions: [eu-west-1]
  data_classes: [internal]
  owners: [platform]
  upstream: {command: [node, index.js], user: mcp-files, dir: srv, env: {LANG: C, API_TOKEN: "env:TOKEN"}}
  tools:
    read: {verbs: [mcp.read]}
    export: {verbs: [mcp.read], classes: [pii], sink: destination}
    query: {understand: sql, argument: query}
  tables: {public.users: {classes: [pii], columns: {email: pii}}}
- name: mcp/billing
  upstream: {command: [/opt/billing], env: {BILLING_TOKEN: "file:billing.token"}}
limits: {requests_per_minute: 30, pending: 0}
`

func TestEveryKeyIsRead(t *testing.T) {
	got, err := config.Parse("c.yaml", "/etc/cs", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if got.Listen != "127.0.0.1:9480" || got.Doors != "127.0.0.1:9481" || got.PublicURL != "https://countersign.example.com" || got.Data != "/var/lib/countersign" {
		t.Errorf("addresses are %+v", got)
	}
	if want := (config.Keys{Log: "/etc/keys/log", Vault: "/var/lib/countersign/vault.key", Pin: "/etc/cs/pin"}); got.Keys != want {
		t.Errorf("keys are %+v, want %+v", got.Keys, want)
	}
	if want := []string{"/etc/cs/policy", "/etc/more.yaml"}; !reflect.DeepEqual(got.Policy, want) {
		t.Errorf("policy is %v, want %v", got.Policy, want)
	}
	groups := map[string][]config.Member{"dba": {{Issuer: "https://idp.example", Subject: "alice"}, {Issuer: "local", Subject: "bob"}}, "empty": {}}
	if !reflect.DeepEqual(got.Groups, groups) {
		t.Errorf("groups are %v, want %v", got.Groups, groups)
	}
	if want := []countersign.Sink{{Match: "s3://acme-eu-*", Region: "eu-west-1"}}; !reflect.DeepEqual(got.Sinks, want) {
		t.Errorf("sinks are %v, want %v", got.Sinks, want)
	}
	if want := (config.Limits{RequestsPerMinute: 30}); got.Limits != want {
		t.Errorf("limits are %+v, want %+v", got.Limits, want)
	}
	files, billing := got.Resources[0], got.Resources[1]
	if files.Line != 12 || files.Environment != "prod" || files.Owners[0] != "platform" || files.Upstream.Dir != "/etc/cs/srv" || files.Upstream.User != "mcp-files" {
		t.Errorf("the first resource is %+v", files)
	}
	if want := (config.Tool{Verbs: []string{"mcp.read"}, Classes: []string{"pii"}, Sink: "destination", Line: 20}); !reflect.DeepEqual(files.Tools["export"], want) {
		t.Errorf("export is %+v, want %+v", files.Tools["export"], want)
	}
	if want := (config.Tool{Understand: "sql", Argument: "query", Line: 21}); !reflect.DeepEqual(files.Tools["query"], want) {
		t.Errorf("query is %+v, want %+v", files.Tools["query"], want)
	}
	if want := (config.Table{Classes: []string{"pii"}, Columns: map[string]string{"email": "pii"}}); !reflect.DeepEqual(files.Tables["public.users"], want) {
		t.Errorf("public.users is %+v, want %+v", files.Tables["public.users"], want)
	}
	if v := files.Upstream.Env["API_TOKEN"]; v.String() != "env:TOKEN" || !v.IsReference() {
		t.Errorf("API_TOKEN is %v, want a reference", v)
	}
	if v := billing.Upstream.Env["BILLING_TOKEN"]; v.String() != "file:/etc/cs/billing.token" {
		t.Errorf("BILLING_TOKEN is %v, want the file's whole path", v)
	}
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	up := "resources:\n- name: mcp/a\n  upstream: {command: [a]}\n"
	tests := []struct{ text, want, hint string }{
		{"\nlisten: 127.0.0.1:1\nlistne: x\n", `c.yaml:3: unknown key "listne"`, "did you mean listen?"},
		{"frobnicate: 1\n", `c.yaml:1: unknown key "frobnicate"`, "the keys are channels, clients, data, doors, doors_url, groups"},
		{"keys: {lgo: x}\n", `c.yaml:1: unknown key "lgo" in keys`, "did you mean log?"},
		{up + "  enviroment: prod\n", `c.yaml:4: unknown key "enviroment" in a resource`, "did you mean environment?"},
		{"data: 8480\n", "c.yaml:1: data: want a text, got the number 8480", "quotes"},
		{"data: [a]\n", "c.yaml:1: data: want a text, got a list", ""},
		{"data:\n", "c.yaml:1: data: it has no value", "leave the key away"},
		{"policy: policy/\n", "c.yaml:1: policy: want a list, got a text", "[policy/]"},
		{"data: a\ndata: b\n", `c.yaml:2: key "data" stands in line 1 already`, ""},
		{"- a\n", "c.yaml:1: the file: want keys with values, got a list", ""},
		{"data: [\n", "c.yaml", "indentation"},
		{"a: b: c\n", "c.yaml: mapping values are not allowed", "indentation"},
		{"data: a\n---\ndata: b\n", "c.yaml: it holds two documents", ""},
		{"data: &x a\ndoors: *x\n", "c.yaml:2: doors: want a text, got an alias", ""},
		{"listen: 8480\n", "c.yaml:1: listen: want a text, got the number 8480", ""},
		{"listen: \":8480\"\n", `c.yaml:1: listen: want an address and a port, got ":8480"`, "127.0.0.1:8480"},
		{"listen: 127.0.0.1:70000\n", `c.yaml:1: listen: want an address and a port`, ""},
		{"listen: 127.0.0.1:1\ndoors: 127.0.0.1:1\n", "c.yaml:1: listen and doors are both 127.0.0.1:1", "another port"},
		{"public_url: countersign.example.com\n", `c.yaml:1: public_url: want http or https and a host, got "countersign.example.com"`, ""},
		{"public_url: https://h/path\n", "c.yaml:1: public_url:", ""},
		{"keys: {log: /etc/log.key}\n", "c.yaml:1: keys.log: want file:PATH", ""},
		{"store: postgres://user:hunter2@db/cs\n", "c.yaml:1: store: another store than the data folder is not in this version", "SQLite"},
		{"limits: {pending: -1}\n", "c.yaml:1: limits.pending: want a whole number from 0 to 1000000", "0 is no limit"},
		{"limits: {pending: many}\n", "c.yaml:1: limits.pending: want a whole number from 0 to 1000000, got a text", ""},
		{"metrics: {token: hunter2}\n", "c.yaml:1: metrics.token: a secret is a reference", "env:NAME"},
		{"metrics: {tokn: \"env:A\"}\n", `c.yaml:1: unknown key "tokn" in metrics`, "did you mean token?"},
		{"groups: {dba: [bob]}\n", `c.yaml:1: group dba: want issuer|subject, got "bob"`, `"local|bob"`},
		{"groups: {per_alice: []}\n", `c.yaml:1: group: "per_alice" looks like the id of a person or an agent`, "choose another name"},
		{"groups: {\"d b a\": []}\n", `c.yaml:1: group: "d b a" is no name`, ""},
		{"sinks: [{match: a}]\n", "c.yaml:1: a sink has a match and a region", ""},
		{"resources:\n- name: db/crm\n", "c.yaml:2: db/crm: a resource of kind db is not in this version", "mcp/NAME"},
		{"resources:\n- name: http/x\n  openapi: billing.yaml\n", "c.yaml:2: http/x: a resource of kind http is not in this version", ""},
		{up + "  openapi: billing.yaml\n", "c.yaml:4: openapi is not in this version", ""},
		{up + "  tables: {users: {classes: [pii]}}\n", "c.yaml:4: table users: its name has no schema", "public.users"},
		{up + "  tables: {public.users: {class: pii}}\n", `c.yaml:4: unknown key "class" in table public.users`, "classes"},
		{up + "  listen: 127.0.0.1:6432\n", "c.yaml:4: a resource with an address of its own is not in this version", "doors"},
		{up + "  tools:\n    q: {understand: sql}\n", "c.yaml:5: tool q: it does not say which argument has the sql", "argument: query"},
		{up + "  tools:\n    q: {understand: perl, argument: query}\n", `c.yaml:5: tool q: "perl" is not understood`, "sql and shell"},
		{up + "  tools:\n    q: {argument: query}\n", "c.yaml:5: tool q: it names an argument and no language", "understand: sql"},
		{up + "  tools:\n    q: {}\n", "c.yaml:5: tool q: it says no verbs", "mcp.read"},
		{up + "- name: mcp/a\n  upstream: {command: [a]}\n", `c.yaml:4: resource "mcp/a" stands in line 2 already`, ""},
		{"resources:\n- name: files\n  upstream: {command: [a]}\n", `c.yaml:2: a resource's name is its kind and a name, got "files"`, "mcp/files"},
		{"resources:\n- name: mcp/A b\n", `c.yaml:2: "mcp/A b" cannot be the name of a resource`, ""},
		{"resources:\n- name: mcp/a\n  upstream: {}\n", "c.yaml:3: an upstream has either a command or a url", "command"},
		{"resources:\n- name: mcp/a\n", "c.yaml:2: mcp/a has no upstream", ""},
		{"resources:\n- name: mcp/a\n  upstream: {url: \"https://u:hunter2@b\"}\n", "c.yaml:3: url: a user and password do not belong in an address", "Authorization"},
		{"resources:\n- name: mcp/a\n  upstream: {header: {Authorization: hunter2}}\n", "c.yaml:3: header Authorization: a secret is a reference", "file:PATH"},
		{"resources:\n- name: mcp/a\n  upstream: {url: \"ftp://x\"}\n", "c.yaml:3: url: want http or https", ""},
		{"resources:\n- name: mcp/a\n  upstream: {url: \"https://x\", command: [a]}\n", "c.yaml:3: an upstream has either", ""},
		{"resources:\n- name: mcp/a\n  upstream: {url: \"https://x\", user: bob}\n", "c.yaml:3: user, dir, env, unsafe_same_user and log_stderr are for a command", ""},
		{"resources:\n- name: mcp/a\n  upstream: {url: \"https://x\", log_stderr: true}\n", "c.yaml:3: user, dir, env, unsafe_same_user and log_stderr are for a command", ""},
		{"resources:\n- name: mcp/a\n  upstream: {url: \"https://x\", header: {Host: y}}\n", "c.yaml:3: header Host: the gateway writes it itself", ""},
		{"resources:\n- name: mcp/a\n  upstream: {url: \"https://x\", header: {X-Api-Key: y}}\n", "c.yaml:3: header X-Api-Key: a secret is a reference", ""},
		{"resources:\n- name: mcp/a\n  upstream: {command: [a], header: {X-Team: y}}\n", "c.yaml:3: header is for an upstream with a url", ""},
		{"resources:\n- name: mcp/a\n  upstream: {command: [a], env: {DB_PASSWORD: hunter2}}\n", "c.yaml:3: env DB_PASSWORD: a secret is a reference", ""},
		{"resources:\n- name: mcp/a\n  upstream: {wrapped: bot, command: [a]}\n", "c.yaml:3: wrapped stands alone", "leave the others away"},
		{"resources:\n- name: mcp/a\n  upstream: {command: [a], user: x, unsafe_same_user: true}\n", "c.yaml:3: with a user of its own", ""},
		{"resources:\n- name: mcp/a\n  upstream: {command: [a], unsafe_same_user: ja}\n", "c.yaml:3: unsafe_same_user: want true or false, got a text", ""},
	}
	for _, tt := range tests {
		_, err := config.Parse("c.yaml", "/etc", []byte(tt.text))
		problems, ok := errors.AsType[config.Problems](err)
		if !ok {
			t.Errorf("%q: got %v, want Problems", tt.text, err)
			continue
		}
		if got := problems[0].Error(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q:\n got %s\nwant %s", tt.text, got, tt.want)
		}
		if got := problems[0].Hint; !strings.Contains(got, tt.hint) {
			t.Errorf("%q: hint %q, want %q in it", tt.text, got, tt.hint)
		}
		if strings.Contains(err.Error()+problems[0].Hint, "hunter2") {
			t.Errorf("%q: the message gives the secret away: %v", tt.text, err)
		}
	}
}

func TestAllProblemsComeAtOnceInOrder(t *testing.T) {
	_, err := config.Parse("c.yaml", "/etc", []byte("lsten: a\ndata: 1\npolcy: []\n"))
	problems, _ := errors.AsType[config.Problems](err)
	if len(problems) != 3 || problems[0].Line != 1 || problems[1].Line != 2 || problems[2].Line != 3 {
		t.Errorf("got %v, want the problems of lines 1, 2 and 3", problems)
	}
}

func TestAMissingFileIsSaidToBeMissing(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), config.Name))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestAReferenceIsResolvedWhereItPoints(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "resources:\n- name: mcp/a\n  upstream: {command: [a], env: {A: \"file:secret\", B: \"env:HERE\", C: \"env:GONE\", D: \"file:gone\"}}\n"
	c, err := config.Parse("c.yaml", dir, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) { return "from " + name, name == "HERE" }
	for name, want := range map[string]string{"A": "s3cret", "B": "from HERE", "C": "", "D": ""} {
		got, err := c.Resources[0].Upstream.Env[name].Resolve(lookup)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestWithoutAPublicURLPeopleUseLocalhost(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}
	if got := config.Defaults("/x").Public(at).String(); got != "http://localhost:4711" {
		t.Errorf("got %s, want http://localhost:4711", got)
	}
	c, err := config.Parse("c.yaml", "/x", []byte("public_url: https://cs.example"))
	if got := c.Public(at).String(); err != nil || got != "https://cs.example" {
		t.Errorf("got %s, %v; want https://cs.example", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? [a]\n: b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := config.Parse("c.yaml", "/", text); err != nil {
			if _, ok := errors.AsType[config.Problems](err); !ok {
				t.Errorf("got %T, want Problems", err)
			}
		}
	})
}
