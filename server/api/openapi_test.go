package api

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/server"
	"github.com/countersignhq/countersign/server/account"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// A contract is openapi.yaml, against which every answer of every test is
// checked. Objects are closed in it: a member that it does not name fails.
type contract struct {
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	operations map[string]operation            // by "POST /v1/requests"
	schemas    *jsonschema.Compiler

	mu   sync.Mutex
	seen map[string]bool // "POST /v1/requests 202"; under mu
}

type operation struct {
	Security   *[]map[string][]string `yaml:"security"`
	Parameters []parameter            `yaml:"parameters"`
	Responses  map[string]response    `yaml:"responses"`
}

type parameter struct {
	Ref  string `yaml:"$ref"`
	Name string `yaml:"name"`
	In   string `yaml:"in"`
}

type response struct {
	Ref     string                                `yaml:"$ref"`
	Headers map[string]struct{ Required bool }    `yaml:"headers"`
	Content map[string]struct{ Schema yaml.Node } `yaml:"content"`
}

// parsed is the document, read once.
var parsed = sync.OnceValues(parseContract)

func parseContract() (*contract, error) {
	c := &contract{operations: map[string]operation{}, seen: map[string]bool{}, schemas: jsonschema.NewCompiler()}
	text := []byte(server.OpenAPI())
	if err := yaml.Unmarshal(text, c); err != nil {
		return nil, err
	}
	for path, item := range c.Paths {
		for method, node := range item {
			var op operation
			if method == "parameters" {
				continue
			}
			if err := node.Decode(&op); err != nil {
				return nil, err
			}
			c.operations[strings.ToUpper(method)+" "+path] = op
		}
	}
	var whole any
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	shut(whole)
	b, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	c.schemas.AssertFormat()
	return c, c.schemas.AddResource("file:///openapi.json", doc)
}

// shut closes every object schema that names its properties.
func shut(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, named := v["properties"].(map[string]any); named && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			shut(inner)
		}
	case []any:
		for _, inner := range v {
			shut(inner)
		}
	}
}

func newContract(t *testing.T) *contract {
	t.Helper()
	c, err := parsed()
	must(t, err)
	return c
}

// answer fails the test unless the document has the answer.
func (c *contract) answer(t *testing.T, sent call, got answered) {
	t.Helper()
	name, op, ok := c.operation(sent)
	if !ok {
		return // an address or a method that is not there, on purpose
	}
	status := strconv.Itoa(got.status)
	where, resp, ok := c.response(t, op, status)
	if !ok {
		t.Fatalf("%s answers %s, which openapi.yaml does not have", name, status)
	}
	c.mu.Lock()
	c.seen[name+" "+status] = true
	c.mu.Unlock()
	for header, h := range resp.Headers {
		if h.Required && got.header.Get(header) == "" {
			t.Errorf("%s answers %s without %s", name, status, header)
		}
	}
	if len(resp.Content) == 0 && len(got.body) == 0 {
		return
	}
	kind, _, _ := mime.ParseMediaType(got.header.Get("Content-Type"))
	if _, ok := resp.Content[kind]; !ok {
		t.Fatalf("%s answers %s as %q, which openapi.yaml does not have", name, status, kind)
	}
	if sent.method == http.MethodHead || kind == "text/event-stream" || kind == "application/yaml" {
		return
	}
	if where == "" {
		where = "#/paths/" + escape(strings.SplitN(name, " ", 2)[1]) + "/" + strings.ToLower(sent.method) + "/responses/" + status
	}
	c.validate(t, where+"/content/"+escape(kind)+"/schema", got.body)
}

func (c *contract) validate(t *testing.T, pointer string, body []byte) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	schema, err := c.schemas.Compile("file:///openapi.json" + pointer)
	must(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	must(t, err)
	if err := schema.Validate(v); err != nil {
		t.Errorf("the answer is not what openapi.yaml says: %v\n%s", err, body)
	}
}

// operation is the one that a call is of.
func (c *contract) operation(sent call) (string, operation, bool) {
	path, _, _ := strings.Cut(sent.path, "?")
	method := sent.method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	parts := strings.Split(path, "/")
	if len(parts) > 3 && slices.Contains([]string{"requests", "passkeys", "invites"}, parts[2]) && parts[3] != "challenge" {
		parts[3] = "{id}"
	}
	name := method + " " + strings.Join(parts, "/")
	op, ok := c.operations[name]
	return name, op, ok
}

func (c *contract) response(t *testing.T, op operation, status string) (pointer string, r response, ok bool) {
	t.Helper()
	r, ok = op.Responses[status]
	if !ok {
		if status < "400" {
			return "", r, false
		}
		r, ok = op.Responses["default"]
	}
	if name, found := strings.CutPrefix(r.Ref, "#/components/responses/"); found {
		var doc struct {
			Components struct{ Responses map[string]response }
		}
		must(t, yaml.Unmarshal([]byte(server.OpenAPI()), &doc))
		return r.Ref, doc.Components.Responses[name], ok
	}
	return "", r, ok
}

// escape is a JSON Pointer's step (RFC 6901) in a URL.
func escape(s string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
}

// everyRoute is the table, of an API that does nothing.
func everyRoute() []rest.Route {
	return table(&rest.Door{}, nil, nil, Config{Accounts: account.Config{Desk: &setup.Desk{}}})
}

func TestTheDocumentHasTheRoutesAndTheirParameters(t *testing.T) {
	c := newContract(t)
	var have []string
	for _, rt := range everyRoute() {
		name := rt.Method + " " + rt.Path
		have = append(have, name)
		op, ok := c.operations[name]
		if !ok {
			t.Errorf("openapi.yaml lacks %s", name)
			continue
		}
		var query []string
		for _, p := range op.Parameters {
			if p.In == "query" {
				query = append(query, p.Name)
			}
		}
		if want := slices.Sorted(slices.Values(rt.Query)); !slices.Equal(slices.Sorted(slices.Values(query)), want) {
			t.Errorf("%s: openapi.yaml has the parameters %v, want %v", name, query, want)
		}
		agents, people := true, true
		if op.Security != nil {
			agents, people = mentions(*op.Security, "agent"), mentions(*op.Security, "session")
		}
		if want := slices.Contains(rt.May, countersign.KindAgent); agents != want {
			t.Errorf("%s: openapi.yaml lets agents call it: %v, want %v", name, agents, want)
		}
		if want := slices.Contains(rt.May, countersign.KindPerson); people != want {
			t.Errorf("%s: openapi.yaml lets people call it: %v, want %v", name, people, want)
		}
	}
	for name := range c.operations {
		if !slices.Contains(have, name) {
			t.Errorf("openapi.yaml has %s, which nobody serves", name)
		}
	}
}

func mentions(security []map[string][]string, scheme string) bool {
	return slices.ContainsFunc(security, func(m map[string][]string) bool { _, ok := m[scheme]; return ok })
}

func TestTheDocumentHasEveryCode(t *testing.T) {
	c := newContract(t)
	schema, err := c.schemas.Compile("file:///openapi.json#/components/schemas/Problem/properties/code")
	must(t, err)
	var have []any
	have = append(have, schema.Enum.Values...)
	for _, code := range []countersign.Code{
		countersign.CodeDenied, countersign.CodeRejected, countersign.CodeExpired, countersign.CodeLapsed, countersign.CodeWithdrawn,
		countersign.CodeFailed, countersign.CodeUnknownOutcome, countersign.CodePending, countersign.CodeSelfApproval, countersign.CodeNotAReviewer,
		countersign.CodeAssuranceTooLow, countersign.CodeAlreadySettled, countersign.CodeAlreadyDecided, countersign.CodeViewChanged,
		countersign.CodeDigestMismatch, countersign.CodeCannotApprove, countersign.CodeReasonRequired, countersign.CodeUnknownGroup,
		countersign.CodeNotFound, countersign.CodeBadRequest, countersign.CodeUnauthenticated, countersign.CodeForbidden, countersign.CodeConflict,
		countersign.CodeUnavailable, countersign.CodeTooLarge, countersign.CodeUnknownResource, countersign.CodeUnsafeSameUser, countersign.CodePasskeyInvalid,
		countersign.CodeInternal,
	} {
		if !slices.Contains(have, any(string(code))) {
			t.Errorf("openapi.yaml lacks code %s", code)
		}
	}
}
