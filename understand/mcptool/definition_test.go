package mcptool_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/understand/mcptool"
)

func TestStripTakesTheConnectionOutAndNothingElse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"name":"x"}`, `{"name":"x"}`},
		{` { "name" : "x" , "n":9007199254740993, "s":"\u00e9\/" } `, ` { "name" : "x" , "n":9007199254740993, "s":"\u00e9\/" } `},
		{`{"name":"x","_meta":{"progressToken":1}}`, `{"name":"x"}`},
		{`{"name":"x","_meta":{"progressToken":1,"keep":{"progressToken":2}}}`, `{"name":"x","_meta":{"keep":{"progressToken":2}}}`},
		{`{"_meta":{"claudecode/toolUseId":"t","io.modelcontextprotocol/protocolVersion":"v","io.modelcontextprotocol/clientInfo":{},"io.modelcontextprotocol/clientCapabilities":{}},"name":"x"}`, `{"name":"x"}`},
		{`{"progressToken":1,"arguments":{"_meta":{"progressToken":1}}}`, `{"progressToken":1,"arguments":{"_meta":{"progressToken":1}}}`},
		{"{\n\t\"a\": \"x\\ny\",\r\n\t\"b\": 1\n}", "{ \t\"a\": \"x\\ny\",  \t\"b\": 1 }"},
		{`{"_meta":{"callId":"c","x-codex-turn-metadata":{"turn_id":"t"},"threadId":"t","sessionId":"s","windowId":"w","itemId":"f"},"name":"x"}`, `{"name":"x"}`},
		{`{"_meta":{"callId":"c","sessionId":"s"},"name":"x"}`, `{"_meta":{"callId":"c","sessionId":"s"},"name":"x"}`},
		{`{"_meta":{"progressToken":1}}`, `{}`},
		{``, ``},
	} {
		got, err := mcptool.Strip([]byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{`{`, `{"_meta":{},"_META":{"progressToken":1}}`, `{"a":1}{"b":2}`} {
		if got, err := mcptool.Strip([]byte(bad)); err == nil {
			t.Errorf("%s: got %s, want an error", bad, got)
		}
	}
}

func pins(t *testing.T, listing string) (map[string]countersign.Digest, map[string]countersign.ToolClaim) {
	t.Helper()
	p, c, err := mcptool.Pins([]byte(listing))
	if err != nil {
		t.Fatalf("%s: %v", listing, err)
	}
	return p, c
}

func TestAPinIsOfTheWholeDefinition(t *testing.T) {
	one := func(definition string) countersign.Digest {
		p, _ := pins(t, `{"result":{"tools":[`+definition+`]}}`)
		return p["a"]
	}
	base := one(`{"name":"a","description":"reads","inputSchema":{"type":"object","maxItems":3},"annotations":{"readOnlyHint":true}}`)
	same := one(`{ "annotations":{"readOnlyHint":true}, "inputSchema":{"maxItems":3,"type":"object"},"description":"re\u0061ds","name":"a"}`)
	if base != same {
		t.Error("another order and spelling of the same definition has another digest")
	}
	seen := map[countersign.Digest]string{base: "the same"}
	for _, definition := range []string{
		`{"name":"a","description":"Reads","inputSchema":{"type":"object","maxItems":3},"annotations":{"readOnlyHint":true}}`,
		`{"name":"a","description":"reads","inputSchema":{"type":"object","maxItems":4},"annotations":{"readOnlyHint":true}}`,
		`{"name":"a","description":"reads","inputSchema":{"type":"object","maxItems":3},"annotations":{"readOnlyHint":false}}`,
		`{"name":"a","description":"reads","inputSchema":{"type":"object","maxItems":3},"annotations":{"readOnlyHint":true},"x":1}`,
		`{"name":"a","description":"reads","inputSchema":{"type":"object","maxItems":3.0},"annotations":{"readOnlyHint":true}}`,
		`{"name":"a","description":"reads","inputSchema":{"type":"object","maxItems":9007199254740993},"annotations":{"readOnlyHint":true}}`,
		`{"name":"a","description":"reads","inputSchema":{"type":"object","maxItems":9007199254740992},"annotations":{"readOnlyHint":true}}`,
	} {
		d := one(definition)
		if other, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", definition, other)
		}
		seen[d] = definition
	}
	bare, _ := pins(t, `{"tools":[{"name":"a"}]}`)
	if bare["a"] != one(`{"name":"a"}`) {
		t.Error("the result alone gives another digest")
	}
}

func TestClaimsAreReadAsTheProtocolMeansThem(t *testing.T) {
	for definition, want := range map[string]countersign.ToolClaim{
		`{}`: {}, `{"annotations":{}}`: {}, `{"annotations":{"title":"x","openWorldHint":true}}`: {}, `{"annotations":7}`: {},
		`{"annotations":{"readOnlyHint":true}}`:                          {Annotated: true, ReadOnly: true},
		`{"annotations":{"readOnlyHint":false}}`:                         {Annotated: true, Destructive: true},
		`{"annotations":{"readOnlyHint":"true"}}`:                        {Annotated: true, Destructive: true},
		`{"annotations":{"readOnlyHint":false,"destructiveHint":false}}`: {Annotated: true},
		`{"annotations":{"destructiveHint":false}}`:                      {Annotated: true},
		`{"annotations":{"destructiveHint":true}}`:                       {Annotated: true, Destructive: true},
		`{"annotations":{"destructiveHint":"no"}}`:                       {Annotated: true, Destructive: true},
		`{"annotations":{"readOnlyHint":true,"destructiveHint":true}}`:   {Annotated: true, ReadOnly: true, Destructive: true},
		`{"outputSchema":{"type":"object"}}`:                             {OutputSchema: true},
	} {
		with := strings.TrimSuffix(strings.Replace(definition, "{", `{"name":"a",`, 1), "}") + "}"
		if definition == "{}" {
			with = `{"name":"a"}`
		}
		if _, claims := pins(t, `{"tools":[`+with+`]}`); !reflect.DeepEqual(claims["a"], want) {
			t.Errorf("%s: got %+v, want %+v", with, claims["a"], want)
		}
	}
}

func TestAListingThatCanBeReadTwoWaysIsRefused(t *testing.T) {
	for _, listing := range []string{
		``, `{}`, `[]`, `{"tools":{}}`, `{"tools":null}`, `{"error":{"code":1}}`, `{"tools":[{}]}`, `{"tools":[1]}`, `{"tools":[{"name":""}]}`,
		`{"tools":[{"name":1}]}`, `{"tools":[{"name":"a"},{"name":"\u0061"}]}`, `{"tools":[{"name":"a","Name":"b"}]}`,
	} {
		if p, _, err := mcptool.Pins([]byte(listing)); err == nil {
			t.Errorf("%s: got %v, want an error", listing, p)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	for _, params := range []string{
		`{"name":"read","arguments":{"path":"a\u202eb"}}`, `{"name":"export","arguments":{"to":{"address":"s3://acme-eu-x"}}}`,
		`{"name":"read","arguments":{"list":[{"x":1},{"y":["\u200b"]}]},"_meta":{"progressToken":1}}`, "{\n\"name\":\"stranger\"}",
	} {
		f.Add("tools/call", []byte(params))
	}
	f.Add("resources/read", []byte(`{"uri":"file:///a"}`))
	sinks := []countersign.Sink{{Match: "s3://acme-eu-*", Region: "eu-west-1"}, {Match: "*.example.com", Region: "us"}}
	f.Fuzz(func(t *testing.T, method string, params []byte) {
		facts := mcptool.Understand(countersign.MCPRequest{Method: method, Params: params}, files(), sinks, mcptool.Languages{})
		if len(facts.Verbs) == 0 || len(facts.Classes) == 0 || facts.Certainty == "" {
			t.Fatalf("%q gives facts without substance: %+v", params, facts)
		}
		reads := method == "resources/read" || method == "prompts/get" || method == "completion/complete"
		if facts.Severity() <= countersign.Low && !reads && !strings.Contains(string(params), "read") && !strings.Contains(string(params), `\u`) &&
			!strings.Contains(string(params), "write") && !strings.Contains(string(params), "export") {
			t.Fatalf("%q %q counts as harmless: %+v", method, params, facts)
		}
		for _, i := range facts.Indicators {
			if len(i.Evidence) > 250 || len(i.Where) > 250 {
				t.Fatalf("an indicator is long: %+v", i)
			}
		}
		if again := mcptool.Understand(countersign.MCPRequest{Method: method, Params: params}, files(), sinks, mcptool.Languages{}); !reflect.DeepEqual(facts, again) {
			t.Fatalf("%q gives %+v, then %+v", params, facts, again)
		}
	})
}

func FuzzStrip(f *testing.F) {
	for _, params := range []string{
		`{"name":"x","_meta":{"progressToken":1,"keep":2}}`, "{\n \"a\":\"x\\ny\"\r}", `{"_meta":{"progressToken":1}}`, ` [1] `,
	} {
		f.Add([]byte(params))
	}
	f.Fuzz(func(t *testing.T, params []byte) {
		before := string(params)
		got, err := mcptool.Strip(params)
		if err != nil || len(params) == 0 {
			return
		}
		if string(params) != before {
			t.Fatalf("%q was changed to %q", before, params)
		}
		if err := canon.Check(got); err != nil {
			t.Fatalf("%q became %q: %v", params, got, err)
		}
		if strings.ContainsAny(string(got), "\r\n") {
			t.Fatalf("%q became %q, which is not one line", params, got)
		}
		if _, ok := canon.Member(got, "_meta", "progressToken"); ok {
			t.Fatalf("%q keeps its progress token: %q", params, got)
		}
		if again, err := mcptool.Strip(got); err != nil || string(again) != string(got) {
			t.Fatalf("%q, then %q, %v", got, again, err)
		}
		for name, value := range canon.Members(got) {
			was, ok := canon.Member(params, name)
			if oneLine := strings.NewReplacer("\r", " ", "\n", " ").Replace(string(was)); !ok || name != "_meta" && string(value) != oneLine {
				t.Fatalf("member %q was %q and became %q", name, was, value)
			}
		}
	})
}

func FuzzPins(f *testing.F) {
	f.Add([]byte(`{"result":{"tools":[{"name":"a","annotations":{"readOnlyHint":true}},{"name":"b","inputSchema":{"minimum":0.5}}]}}`))
	f.Add([]byte(`{"tools":[{"name":"\u0061"},{"name":"a"}]}`))
	f.Fuzz(func(t *testing.T, listing []byte) {
		pins, claims, err := mcptool.Pins(listing)
		if err != nil {
			return
		}
		for name, d := range pins {
			if _, ok := claims[name]; !ok || name == "" || d.IsZero() {
				t.Fatalf("%q: tool %q has digest %s and claims %v", listing, name, d, ok)
			}
		}
		if len(claims) != len(pins) {
			t.Fatalf("%q: %d pins, %d claims", listing, len(pins), len(claims))
		}
	})
}

// A large hostile document is read in one pass, however deep.
func BenchmarkUnderstandDeepAndLarge(b *testing.B) {
	deep := strings.Repeat(`[`, 60) + `"` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat(`]`, 60)
	c := call(`{"name":"write","arguments":{"a":` + deep + `}}`)
	b.SetBytes(int64(len(c.Params)))
	for b.Loop() {
		mcptool.Understand(c, files(), nil, mcptool.Languages{})
	}
}
