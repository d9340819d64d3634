package mcptool_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand/mcptool"
)

var pin = countersign.Digest{1}

// files is a resource with a tool of every sort.
func files() countersign.Resource {
	return countersign.Resource{
		Name: "mcp/files", Regions: []string{"eu-west-1"}, DataClasses: []string{"internal"},
		Tools: map[string]countersign.Tool{
			"read":     {Verbs: []string{"mcp.read"}},
			"write":    {Verbs: []string{"mcp.write"}},
			"both":     {Verbs: []string{"mcp.read", "mcp.write"}},
			"export":   {Verbs: []string{"mcp.read"}, Classes: []string{"pii"}, Sink: "to.address"},
			"verbless": {},
		},
		Pins: map[string]countersign.Digest{
			"read": pin, "write": pin, "both": pin, "export": pin, "verbless": pin, "stranger": pin, "destroyer": pin,
		},
		Claims: map[string]countersign.ToolClaim{
			"read": {}, "write": {Annotated: true}, "both": {}, "export": {Annotated: true, ReadOnly: true},
			"verbless": {Annotated: true}, "stranger": {}, "destroyer": {Annotated: true, Destructive: true},
		},
	}
}

func call(params string) countersign.MCPRequest {
	c := countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Tool: pin}
	if params != "" {
		c.Params = []byte(params)
	}
	return c
}

func ids(f countersign.Facts) string {
	var ids []string
	for _, i := range f.Indicators {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func TestTheConfigurationSaysWhatAToolDoes(t *testing.T) {
	for _, c := range []struct {
		name       string
		params     string
		change     func(*countersign.Resource)
		verbs      string
		classes    string
		indicators string
	}{
		{"a listed read", `{"name":"read","arguments":{"path":"/a"}}`, nil, "mcp.read", "internal", ""},
		{"without arguments", `{"name":"read"}`, nil, "mcp.read", "internal", ""},
		{"a listed write", `{"name":"write","arguments":{}}`, nil, "mcp.write", "internal", ""},
		{"a write that says nothing of itself", `{"name":"both"}`, nil, "mcp.read mcp.write", "internal", "mcp.tool-unannotated"},
		{"a tool nobody listed", `{"name":"stranger"}`, nil, "mcp.unknown", "internal", "mcp.tool-unannotated mcp.tool-unlisted"},
		{"listed without verbs", `{"name":"verbless"}`, nil, "mcp.unknown", "internal", "mcp.tool-unlisted"},
		{"a name in another case", `{"name":"Read"}`, nil, "mcp.unknown", "internal", "mcp.tool-unlisted mcp.tool-unpinned"},
		{"an empty name", `{"name":""}`, nil, "mcp.unknown", "internal", "mcp.tool-unlisted mcp.tool-unpinned"},
		{"it says it destroys and nobody listed it", `{"name":"destroyer"}`, nil, "mcp.unknown", "internal", "mcp.tool-destructive mcp.tool-unlisted"},
		{"a listed read says it destroys", `{"name":"read"}`, func(r *countersign.Resource) {
			r.Claims["read"] = countersign.ToolClaim{Annotated: true, ReadOnly: true, Destructive: true}
		}, "mcp.read", "internal", "mcp.tool-destructive"},
		{"it says it only reads and nobody listed it", `{"name":"stranger"}`, func(r *countersign.Resource) {
			r.Claims["stranger"] = countersign.ToolClaim{Annotated: true, ReadOnly: true}
		}, "mcp.unknown", "internal", "mcp.tool-unlisted"},
		{"it says it only reads and is a listed write", `{"name":"write"}`, func(r *countersign.Resource) {
			r.Claims["write"] = countersign.ToolClaim{Annotated: true, ReadOnly: true}
		}, "mcp.write", "internal", ""},
		{"never seen", `{"name":"read"}`, func(r *countersign.Resource) { r.Pins, r.Claims = nil, nil }, "mcp.read", "internal", "mcp.tool-unpinned"},
		{"changed", `{"name":"read"}`, func(r *countersign.Resource) { r.Changed = map[string]countersign.Digest{"read": {2}} }, "mcp.read", "internal", "mcp.tool-changed"},
		{"another tool changed", `{"name":"read"}`, func(r *countersign.Resource) { r.Changed = map[string]countersign.Digest{"write": {2}} }, "mcp.read", "internal", ""},
		{"no classes anywhere", `{"name":"read"}`, func(r *countersign.Resource) { r.DataClasses = nil }, "mcp.read", "unlabelled", ""},
		{"without isolation", `{"name":"read"}`, func(r *countersign.Resource) { r.UnsafeSameUser = true }, "mcp.read", "internal", "request.unsafe-same-user"},
		{"large", `{"name":"write","arguments":{"a":"` + strings.Repeat("x", 70_000) + `"}}`, nil, "mcp.write", "internal", "mcp.large"},
	} {
		r := files()
		if c.change != nil {
			c.change(&r)
		}
		f := mcptool.Understand(call(c.params), r, nil, mcptool.Languages{})
		if got := strings.Join(f.Verbs, " "); got != c.verbs {
			t.Errorf("%s: got verbs %s, want %s", c.name, got, c.verbs)
		}
		if got := strings.Join(f.Classes, " "); got != c.classes {
			t.Errorf("%s: got classes %s, want %s", c.name, got, c.classes)
		}
		if got := ids(f); got != c.indicators {
			t.Errorf("%s: got indicators %q, want %q", c.name, got, c.indicators)
		}
		if f.Certainty != countersign.Known || f.Understanding != mcptool.Version {
			t.Errorf("%s: got %s by %s", c.name, f.Certainty, f.Understanding)
		}
	}
}

func TestMethodsThatAreNotOnTheListAreUnknown(t *testing.T) {
	for method, want := range map[string]string{
		"resources/read": "mcp.read", "prompts/get": "mcp.read", "completion/complete": "mcp.read",
		"resources/subscribe": "mcp.unknown", "tasks/cancel": "mcp.unknown", "Tools/Call": "mcp.unknown",
		"resources/read ": "mcp.unknown", "": "mcp.unknown", "logging/setLevel": "mcp.unknown",
	} {
		for _, params := range []string{"", `{"uri":"file:///a"}`} {
			c := call(params)
			c.Method = method
			f := mcptool.Understand(c, files(), nil, mcptool.Languages{})
			unknown := ""
			if want == "mcp.unknown" {
				unknown = "mcp.method-unknown"
			}
			if got := strings.Join(f.Verbs, " "); got != want || ids(f) != unknown || f.Tool != method {
				t.Errorf("%q: got %s with %q, tool %q", method, got, ids(f), f.Tool)
			}
		}
	}
}

func TestWhatCanBeReadTwoWaysIsNotRead(t *testing.T) {
	for _, params := range []string{
		"", `{`, `[]`, `"read"`, `{}`, `{"name":1}`, `{"name":null}`, `{"arguments":{}}`,
		`{"name":"read","Name":"write"}`, `{"name":"read","name":"write"}`, `{"name":"read","\u006eame":"write"}`,
		`{"name":"read","arguments":[]}`, `{"name":"read","arguments":null}`, `{"name":"read","arguments":"{}"}`,
		`{"name":"read","arguments":{"a":1,"A":2}}`, `{"name":"read"} {}`, "{\"name\":\"re\xffad\"}", `{"Name":"read"}`,
	} {
		f := mcptool.Understand(call(params), files(), nil, mcptool.Languages{})
		if f.Verbs[0] != "mcp.unknown" || ids(f) != "json.unreadable" || f.Severity() != countersign.High {
			t.Errorf("%s: got %v with %q, want it unreadable", params, f.Verbs, ids(f))
		}
	}
}

func TestACallWithMoreThanArgumentsIsNotFullyUnderstood(t *testing.T) {
	f := mcptool.Understand(call(`{"name":"read","arguments":{},"task":{"ttl":1},"_meta":{"a":1}}`), files(), nil, mcptool.Languages{})
	if f.Certainty != countersign.Possible || ids(f) != "mcp.method-unknown" || f.Indicators[0].Where != "task" {
		t.Errorf("got %+v", f)
	}
}

func TestHiddenTextIsFoundWhereverItStands(t *testing.T) {
	for _, c := range []struct{ params, id, where string }{
		{`{"name":"read","arguments":{"path":"a\u202eb"}}`, "text.bidi", "arguments.path"},
		{`{"name":"read","arguments":{"list":[{"x":1},{"y":["\u200b"]}]}}`, "text.hidden", "arguments.list.1.y.0"},
		{`{"name":"read","arguments":{"p\u0430th":1}}`, "text.homoglyph", "arguments.p<U+0430 looks like a>th"},
		{`{"name":"read","arguments":{"a":{},"b":[],"c":[[1],"` + strings.Repeat(" ", 40) + `x"]}}`, "text.padding", "arguments.c.1"},
		{`{"name":"read","_meta":{"k":"\u001b[2J"}}`, "text.hidden", "_meta.k"},
		{`{"name":"read","arguments":{"a":"one\r\ntwo"}}`, "", ""},
		{`{"name":"read","arguments":{"a":"one\rtwo"}}`, "text.hidden", "arguments.a"},
	} {
		f := mcptool.Understand(call(c.params), files(), nil, mcptool.Languages{})
		if ids(f) != c.id || c.id != "" && f.Indicators[0].Where != c.where {
			t.Errorf("%s: got %+v, want %s at %s", c.params, f.Indicators, c.id, c.where)
		}
	}
	hostile := `{"name":"read","arguments":{"` + strings.Repeat("k", 5000) + `":[` + strings.TrimSuffix(strings.Repeat(`"\u200b",`, 5000), ",") + `,"\u202e"]}}`
	f := mcptool.Understand(call(hostile), files(), nil, mcptool.Languages{})
	if len(f.Indicators) > 10 || !strings.Contains(ids(f), "text.bidi") {
		t.Errorf("got %d indicators, %s", len(f.Indicators), ids(f))
	}
	for _, i := range f.Indicators {
		if len(i.Where)+len(i.Evidence) > 500 {
			t.Errorf("an indicator of %d bytes", len(i.Where)+len(i.Evidence))
		}
	}
}

func TestTheSinkSaysWhereDataGoes(t *testing.T) {
	sinks := []countersign.Sink{
		{Match: "s3://acme-eu-*", Region: "eu-west-1"}, {Match: "*.example.com", Region: "us"}, {Match: "eu.example.com", Region: "us"},
		{Match: "/mnt/eu/*", Region: "eu-west-1"}, {Match: "https://api.acme.test/eu/*", Region: "eu-west-1"},
		{Match: "two.test", Region: "us"}, {Match: "two.*", Region: "eu-west-1"},
	}
	for address, want := range map[string]string{
		`"s3://acme-eu-reports"`:                  "eu-west-1",
		`"s3://acme-eu-reports/2026/x.csv"`:       "eu-west-1",
		`"S3://ACME-EU-reports/x"`:                "eu-west-1",
		`"s3://acme-us-reports"`:                  "unknown",
		`"https://files.example.com/upload"`:      "us leaves",
		`"https://files.example.com:8443/upload"`: "us leaves",
		`"files.example.com"`:                     "us leaves",
		`"eu.example.com"`:                        "us leaves",
		`"/mnt/eu/a"`:                             "eu-west-1",
		`"/mnt/eu/../us/a"`:                       "unknown",
		`"https://evil.test/mnt/eu/a"`:            "unknown",
		`"https://api.acme.test/eu/v1"`:           "eu-west-1",
		`"https://api.acme.test/us/v1"`:           "unknown",
		`"https://api.acme.test/eu/%2e%2e/us"`:    "unknown",
		`"https://evil.test/x.example.com"`:       "unknown",
		`"https://evil.test#.example.com"`:        "unknown",
		`"https://evil.test?.example.com"`:        "unknown",
		`"https://evil.test\\.example.com"`:       "unknown",
		`"https://files.example.com@evil.test"`:   "unknown",
		`"s3://acme-eu-x@evil.test"`:              "unknown",
		`"https://evil.test/s3://acme-eu-x"`:      "unknown",
		`"evil.test/x://files.example.com"`:       "unknown",
		`"javascript:files.example.com"`:          "unknown",
		`"https://files.example.com.evil.test"`:   "unknown",
		`"https://files.ex\u0430mple.com"`:        "unknown",
		`" s3://acme-eu-x"`:                       "unknown",
		`"://files.example.com"`:                  "unknown",
		`""`:                                      "unknown",
		`"two.test"`:                              "unknown",
		`["s3://acme-eu-x"]`:                      "unknown",
		`null`:                                    "unknown",
		`{"bucket":"s3://acme-eu-x"}`:             "unknown",
	} {
		f := mcptool.Understand(call(`{"name":"export","arguments":{"to":{"address":`+address+`}}}`), files(), sinks, mcptool.Languages{})
		got := f.Sink.Region
		switch {
		case f.Sink.Certainty == countersign.Unknown:
			got = "unknown"
		case strings.Contains(ids(f), "data.leaves-region"):
			got += " leaves"
		}
		if got != want || !f.Exports || strings.Contains(ids(f), "data.sink-unknown") != (want == "unknown") {
			t.Errorf("%s: got %s with %q, want %s", address, got, ids(f), want)
		}
		if !reflect.DeepEqual(f.Classes, []string{"pii"}) {
			t.Errorf("%s: got classes %v, want the tool's own", address, f.Classes)
		}
	}
	f := mcptool.Understand(call(`{"name":"export"}`), files(), sinks, mcptool.Languages{})
	if !f.Exports || f.Sink == nil || f.Sink.Certainty != countersign.Unknown || ids(f) != "data.sink-unknown" {
		t.Errorf("no address at all: got %+v", f)
	}
}
