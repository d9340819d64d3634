package expr

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
)

func request() Request {
	return Request{
		Facts: countersign.Facts{
			Tool: "export", Verbs: []string{"mcp.read"}, Exports: true, Certainty: countersign.Known,
			Sink: &countersign.Destination{Address: "s3://acme-us", Region: "us-east-1", Certainty: countersign.Known},
			Objects: []countersign.Object{
				{Name: "public.users", Verb: "sql.read", Classes: []string{"pii"}, Certainty: countersign.Known},
				{Name: "public.plans", Verb: "sql.read", Certainty: countersign.Known},
			},
			Indicators: []countersign.Indicator{{ID: "mcp.large", Severity: countersign.Low, Certainty: countersign.Known}},
		},
		Classes:     []string{"pii"},
		Resource:    countersign.Resource{Name: "mcp/files", Environment: "prod", Regions: []string{"eu-west-1"}, Owners: []string{"platform"}},
		Requester:   countersign.Principal{Kind: countersign.KindAgent, Name: "bot", Owner: "per_1"},
		OnBehalfOf:  []countersign.Principal{{Kind: countersign.KindPerson, Name: "Alice", Issuer: "https://idp.example", Subject: "alice"}},
		AgentRegion: "eu-west-1",
		Now:         time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC),
	}
}

func ask(t *testing.T, source string, change func(*Request)) Answer {
	t.Helper()
	c, err := NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	when, errs := c.Condition(source)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", source, errs)
	}
	r := request()
	if change != nil {
		change(&r)
	}
	return when.Ask(NewVars(r))
}

func TestExpressionsSeeWhatTheyAreDocumentedToSee(t *testing.T) {
	for _, source := range []string{
		"facts.tool == 'export' && facts.verbs == ['mcp.read'] && facts.exports && facts.certainty == 'known'",
		"facts.objects.exists(o, o.name == 'public.users' && o.verb == 'sql.read' && 'pii' in o.classes)",
		"facts.objects.filter(o, o.classes.size() == 0).size() == 1",
		"data.classes == ['pii']",
		"resource.name == 'mcp/files' && resource.environment == 'prod' && resource.regions == ['eu-west-1'] && resource.data_classes.size() == 0 && resource.owners == ['platform']",
		"requester.kind == 'agent' && requester.name == 'bot' && requester.owner == 'per_1'",
		"on_behalf_of.exists(p, p.kind == 'person' && p.name == 'Alice' && p.issuer == 'https://idp.example' && p.subject == 'alice')",
		"on_behalf_of[0].name == 'Alice' && on_behalf_of.size() == 1",
		"sink.address == 's3://acme-us' && sink.region == 'us-east-1'",
		"now.getHours() == 9 && now.getDayOfWeek() == 0 && now < timestamp('2027-01-01T00:00:00Z')",
		"ind('mcp.large') && !ind('text.bidi') && ind_max() == LOW && INFO < LOW && LOW < MEDIUM && MEDIUM < HIGH && HIGH < CRITICAL",
		"facts.tool.startsWith('exp') && facts.tool.matches('^e.*t$')",
	} {
		if a := ask(t, source, nil); a.Value != countersign.RuleTrue {
			t.Errorf("%s: got %+v, want true", source, a)
		}
	}
	r := request()
	r.Preview = &countersign.Preview{Rows: 7, Bytes: 9}
	if a := ask(t, "preview.rows == 7 && preview.bytes == 9", func(to *Request) { *to = r }); a.Value != countersign.RuleTrue {
		t.Errorf("preview: got %+v, want true", a)
	}
}

func TestEveryIndicatorOfTheCatalogueHasAName(t *testing.T) {
	c, err := NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	for _, ind := range understand.Indicators() {
		when, errs := c.Condition("ind('" + ind.ID + "')")
		if len(errs) > 0 {
			t.Errorf("%s: %v", ind.ID, errs)
			continue
		}
		r := request()
		r.Facts.Indicators = []countersign.Indicator{{ID: ind.ID, Severity: ind.Severity, Certainty: countersign.Known}}
		if a := when.Ask(NewVars(r)); a.Value != countersign.RuleTrue {
			t.Errorf("%s: got %+v, want true", ind.ID, a)
		}
	}
}

func TestAnUnknownSaysWhatItWaitsFor(t *testing.T) {
	possible := func(r *Request) { r.Facts.Certainty = countersign.Possible }
	maybe := func(r *Request) {
		r.Facts.Indicators = append(r.Facts.Indicators, countersign.Indicator{ID: "text.bidi", Severity: countersign.Critical, Certainty: countersign.Possible})
	}
	for _, c := range []struct {
		source, want string
		change       func(*Request)
		onPreview    bool
	}{
		{"preview.rows > 1000", "preview.rows > 1000", nil, true},
		{"ind('text.bidi') || preview.rows > 1000", "preview.rows > 1000", nil, true},
		{"resource.environment == 'prod' && preview.rows > 5 * 200", "preview.rows > 1000", nil, true},
		{"facts.exports", "facts.exports", possible, false},
		{"'pii' in data.classes", "data.classes", possible, false},
		{"ind('text.bidi')", `ind("text.bidi")`, maybe, false},
		{"ind_max() <= LOW", "ind_max()", maybe, false},
		{"sink.region in resource.regions", `sink.region in ["eu-west-1"]`, possible, false},
		{"sink.region == 'eu-west-1'", `sink.region == "eu-west-1"`, func(r *Request) { r.Facts.Sink.Certainty = countersign.Unknown }, false},
		{"sink.address == 's3://acme-us'", `sink.address == "s3://acme-us"`, func(r *Request) { r.Facts.Sink.Address = "" }, false},
		{"sink.region == 'eu-west-1'", `sink.region == "eu-west-1"`, func(r *Request) { r.Facts.Sink, r.AgentRegion = nil, "" }, false},
	} {
		a := ask(t, c.source, c.change)
		if a.Value != countersign.RuleUnknown || !strings.Contains(a.Waits, c.want) || a.OnPreview != c.onPreview {
			t.Errorf("%s: got %+v, want unknown, waiting for %s, on preview %v", c.source, a, c.want, c.onPreview)
		}
	}
}

func TestWithoutASinkAResultGoesWhereTheAgentIs(t *testing.T) {
	noSink := func(r *Request) { r.Facts.Sink = nil }
	if a := ask(t, "sink.region == 'eu-west-1' && sink.address == ''", noSink); a.Value != countersign.RuleTrue {
		t.Errorf("got %+v, want the agent's region", a)
	}
}

func TestWhatIsTooLongToLookAtIsUnknown(t *testing.T) {
	long := make([]string, maxItems+1)
	for i := range long {
		long[i] = fmt.Sprint(i)
	}
	objects := make([]countersign.Object, maxObjects+1)
	for i := range objects {
		objects[i] = countersign.Object{Name: fmt.Sprint(i), Certainty: countersign.Known}
	}
	for _, c := range []struct {
		source string
		change func(*Request)
	}{
		{"'x' in facts.verbs", func(r *Request) { r.Facts.Verbs = long }},
		{"'x' in data.classes", func(r *Request) { r.Classes = long }},
		{"'x' in resource.regions", func(r *Request) { r.Resource.Regions = long }},
		{"'x' in resource.data_classes", func(r *Request) { r.Resource.DataClasses = long }},
		{"'x' in resource.owners", func(r *Request) { r.Resource.Owners = long }},
		{"on_behalf_of.exists(p, p.name == 'x')", func(r *Request) { r.OnBehalfOf = make([]countersign.Principal, maxItems+1) }},
		{"facts.objects.exists(o, o.name == 'x')", func(r *Request) { r.Facts.Objects = objects }},
		{"facts.objects.exists(o, 'x' in o.classes)", func(r *Request) { r.Facts.Objects[0].Classes = long }},
	} {
		if a := ask(t, c.source, c.change); a.Value != countersign.RuleUnknown {
			t.Errorf("%s: got %+v, want unknown", c.source, a)
		}
	}
}

func TestAnEvaluationThatCostsTooMuchIsAnError(t *testing.T) {
	a := ask(t, "facts.objects.exists(o, o.name.contains('x'))", func(r *Request) {
		r.Facts.Objects = nil
		for range maxObjects {
			r.Facts.Objects = append(r.Facts.Objects, countersign.Object{Name: strings.Repeat("y", 1<<14), Certainty: countersign.Known})
		}
	})
	if a.Value != countersign.RuleError || !strings.Contains(a.Waits, "cost") {
		t.Errorf("got %+v, want an error about the cost", a)
	}
}

func TestAnErrorIsFitForTheRecord(t *testing.T) {
	a := ask(t, "int(facts.tool) == 1", func(r *Request) { r.Facts.Tool = "\xff\n" + strings.Repeat("é", 500) })
	if a.Value != countersign.RuleError || strings.Contains(a.Waits, "\n") || !utf8.ValidString(a.Waits) || len(a.Waits) > 210 {
		t.Errorf("got %q, want a short line of UTF-8", a.Waits)
	}
}

func TestANumberIsComputedOrSaysWhyNot(t *testing.T) {
	c, err := NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	n, errs := c.Number("preview.rows * 11 / 10 + 10")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if _, err := n.Compute(NewVars(request())); err == nil || !strings.Contains(err.Error(), "waits for preview.rows") {
		t.Errorf("got error %v, want that it waits for preview.rows", err)
	}
	r := request()
	r.Preview = &countersign.Preview{Rows: 48211}
	if got, err := n.Compute(NewVars(r)); err != nil || got != 53042 {
		t.Errorf("got %d, %v, want 53042", got, err)
	}
}

func FuzzCondition(f *testing.F) {
	f.Add("ind('text.bidi') || preview.rows > 1000")
	f.Add("facts.objects.exists(o, o.name.matches('a') && 'pii' in o.classes)")
	f.Add("{'a': 1}['b'] == 1 / 0")
	c, err := NewCompiler()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source string) {
		when, errs := c.Condition(source)
		if len(errs) == 0 {
			when.Ask(NewVars(request()))
		}
	})
}
