package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/gate"
	"go.yaml.in/yaml/v3"
)

// given are the metrics that a server gives after some of everything: the labels of
// each name, with their values.
type given map[string]map[string][]string

var (
	seriesLine = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (\S+)$`)
	labelPair  = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
)

func parseMetrics(t *testing.T, text string) (given, map[string]string) {
	t.Helper()
	all, values := given{}, map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := seriesLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%q is no series", line)
		}
		if all[m[1]] == nil {
			all[m[1]] = map[string][]string{}
		}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			all[m[1]][pair[1]] = append(all[m[1]][pair[1]], pair[2])
		}
		values[strings.TrimSuffix(line, " "+m[3])] = m[3]
	}
	return all, values
}

// busy is a real server after some of everything, and what it gives.
func busy(t *testing.T) (given, map[string]string) {
	t.Helper()
	s, secret := benchServer(t, "")
	agent := &mcpAgent{url: "http://" + s.doors.Addr().String() + "/mcp/northwind", token: secret}
	if err := agent.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, call := range [][2]string{{"list_plans", `{}`}, {"export_customers", `{"destination":"s3://acme-us-analytics/customers.csv"}`}} {
		if _, err := agent.call(t.Context(), call[0], call[1]); err != nil {
			t.Fatal(err)
		}
	}
	d, err := s.gate.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	asked, err := s.gate.Submit(ended, gate.Ask{By: d.Agents["agt_demo000000bot"].Principal(), Command: countersign.MCPRequest{
		Resource: "mcp/northwind", Method: "tools/call", Params: []byte(`{"name":"create_refund","arguments":{"charge":"ch_1","amount":"1.00","currency":"EUR"}}`),
	}}, io.Discard)
	held, ok := asked.(gate.Pending)
	if err != nil || !ok {
		t.Fatalf("the refund is %T, %v; want it held", asked, err)
	}
	_, err = s.gate.Decide(t.Context(), gate.Decision{Request: held.Request.ID, Decision: countersign.Decision{
		By: countersign.Principal{Kind: countersign.KindPerson, ID: bob}, Choice: countersign.Reject, Reason: "no",
		Digest: held.Request.Digest, View: brief.Build(held.Request, d).Digest(), Assurance: countersign.Session, Method: "demo", Channel: "demo", Solo: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + s.listener.Addr().String()
	if got, err := http.Get(base + "/v1/nothing"); err != nil || got.StatusCode != http.StatusNotFound {
		t.Fatalf("%v, %v; want 404", got, err)
	}
	resp, err := http.Get(base + metricsPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", resp.StatusCode, err, b)
	}
	return parseMetrics(t, string(b))
}

func TestARealServerIsMeasured(t *testing.T) {
	all, values := busy(t)
	for series, want := range map[string]string{
		`countersign_requests_total{effect="allow",resource="mcp/northwind"}`:             "1",
		`countersign_requests_total{effect="deny",resource="mcp/northwind"}`:              "1",
		`countersign_requests_total{effect="hold",resource="mcp/northwind"}`:              "1",
		`countersign_executions_total{execution="succeeded",resource="mcp/northwind"}`:    "1",
		`countersign_execution_seconds_count{kind="mcp"}`:                                 "1",
		`countersign_decisions_total{assurance="session",channel="demo",choice="reject"}`: "1",
		`countersign_held_seconds_count{decision="rejected"}`:                             "1",
		`countersign_upstream_starts_total{resource="mcp/northwind",result="ok"}`:         "1",
		`countersign_parser_starts_total{language="sql",result="failed"}`:                 "0",
		`countersign_problems_total{code="denied",door="mcp"}`:                            "1",
		`countersign_problems_total{code="not_found",door="api"}`:                         "1",
		`countersign_commits_total{result="failed"}`:                                      "0",
		`countersign_jobs{kind="other"}`:                                                  "0",
		`countersign_pending`:                                                             "0",
		`countersign_record_readable`:                                                     "1",
	} {
		if got := values[series]; got != want {
			t.Errorf("%s is %q, want %q", series, got, want)
		}
	}
	for _, series := range []string{`countersign_commits_total{result="ok"}`, "countersign_commit_sync_seconds_count", "countersign_log_leaves", "countersign_log_last_event_timestamp_seconds"} {
		if got := values[series]; got == "" || got == "0" {
			t.Errorf("%s is %q, want more than nothing", series, got)
		}
	}
	for _, doc := range []string{"../../docs/grafana/countersign.json", "../../docs/prometheus/alerts.yaml"} {
		for what, query := range queriesOf(t, doc) {
			for _, wrong := range all.lacks(query) {
				t.Errorf("%s: %s: %s: %s", filepath.Base(doc), what, query, wrong)
			}
		}
	}
	b, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if strings.HasPrefix(name, "countersign_") && !strings.Contains(string(b), "`"+name+"`") {
			t.Errorf("docs/monitoring.md does not tell of %s", name)
		}
	}
	for _, name := range regexp.MustCompile("`(countersign_[a-z_]+)`").FindAllStringSubmatch(string(b), -1) {
		if all[name[1]] == nil && all[name[1]+"_count"] == nil {
			t.Errorf("docs/monitoring.md tells of %s, which there is not", name[1])
		}
	}
}

var (
	quoted     = regexp.MustCompile(`"[^"]*"`)
	span       = regexp.MustCompile(`\[[^\]]*\]`)
	selector   = regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)\s*(=~|!=|!~|=)\s*"([^"]*)"`)
	identifier = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*`)
)

// language are the words of PromQL, and the labels that Prometheus adds, that the
// queries use.
var language = []string{"sum", "max", "min", "by", "rate", "increase", "histogram_quantile", "topk", "time", "label_values", "up", "job", "instance"}

// lacks says what the query asks for that the server does not give.
func (g given) lacks(query string) (wrong []string) {
	for _, s := range selector.FindAllStringSubmatch(query, -1) {
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			label, op, value := m[1], m[2], m[3]
			values := g[s[1]][label]
			switch {
			case slices.Contains(language, s[1]):
			case len(values) == 0:
				wrong = append(wrong, s[1]+" has no label "+label)
			case op == "=" && !slices.Contains(values, value):
				wrong = append(wrong, s[1]+" has no "+label+" "+value)
			}
		}
	}
	labels := map[string]bool{}
	for _, of := range g {
		for label := range of {
			labels[label] = true
		}
	}
	bare := span.ReplaceAllString(quoted.ReplaceAllString(query, ""), "")
	for _, word := range identifier.FindAllString(bare, -1) {
		if _, ok := g[word]; !ok && !labels[word] && !slices.Contains(language, word) {
			wrong = append(wrong, "there is no "+word)
		}
	}
	return wrong
}

// queriesOf are the queries of a dashboard or of a file of alerts, by what asks.
func queriesOf(t *testing.T, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	if filepath.Ext(file) == ".yaml" {
		var rules struct {
			Groups []struct {
				Rules []struct{ Alert, Expr string }
			}
		}
		if err := yaml.Unmarshal(b, &rules); err != nil {
			t.Fatal(err)
		}
		for _, r := range rules.Groups[0].Rules {
			queries[r.Alert] = r.Expr
		}
		if len(queries) != len(rules.Groups[0].Rules) || len(queries) < 10 {
			t.Errorf("%s has %d alerts of %d names", file, len(rules.Groups[0].Rules), len(queries))
		}
		return queries
	}
	var board struct {
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	if board.SchemaVersion < 36 {
		t.Errorf("schemaVersion is %d, want one that Grafana still reads, 36 or later", board.SchemaVersion)
	}
	for _, v := range board.Templating.List {
		if v.Type == "query" {
			queries["variable "+v.Name] = v.Definition
		}
	}
	ids := map[int]bool{}
	var rows []string
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d, %s, stands at %+v, or its id twice", p.ID, p.Title, p.GridPos)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			rows = append(rows, p.Title)
		} else if len(p.Targets) == 0 {
			t.Errorf("panel %s asks for nothing", p.Title)
		}
		for i, target := range p.Targets {
			queries[p.Title+string(rune(' '+i))] = target.Expr
		}
	}
	if want := []string{"Is it safe", "Traffic", "Latency", "People"}; !slices.Equal(rows, want) {
		t.Errorf("the rows are %q, want %q", rows, want)
	}
	return queries
}

func TestMetricsAreForThisMachineOrForATokenAlone(t *testing.T) {
	t.Setenv("METRICS_TOKEN", "0123456789abcdef")
	measuredServer := func(public, token string) *server {
		t.Helper()
		cfg := config.Defaults(t.TempDir())
		cfg.Listen, cfg.Doors, cfg.PublicURL = "127.0.0.1:0", "127.0.0.1:0", public
		if token != "" {
			read, err := config.Parse("c.yaml", cfg.Dir, []byte("metrics: {token: \""+token+"\"}\n"))
			if err != nil {
				t.Fatal(err)
			}
			cfg.Metrics = read.Metrics
		}
		s, err := build(t.Context(), cfg, options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		enrolSomebody(t, s)
		return s
	}
	local, behind := measuredServer("", ""), measuredServer("https://gate.example", "")
	locked := measuredServer("https://gate.example", "env:METRICS_TOKEN")
	proxied, evil := map[string]string{"X-Forwarded-For": "192.0.2.7"}, map[string]string{"Host": "evil.example"}
	right, wrong := map[string]string{"Authorization": "Bearer 0123456789abcdef"}, map[string]string{"Authorization": "Bearer 0123456789abcdeX"}
	for _, tt := range []struct {
		name    string
		s       *server
		peer    string
		headers map[string]string
		want    int
	}{
		{"here", local, here, nil, 200},
		{"elsewhere", local, elsewhere, nil, 403},
		{"through a proxy", local, here, proxied, 403},
		{"by another name", local, here, evil, 421},
		{"elsewhere, with a token that nobody asked for", local, elsewhere, right, 403},
		{"here, which may be a proxy", behind, here, nil, 403},
		{"elsewhere", behind, elsewhere, nil, 403},
		{"here without the token", locked, here, nil, 401},
		{"here with another", locked, here, wrong, 401},
		{"elsewhere with another", locked, elsewhere, wrong, 401},
		{"elsewhere with the token", locked, elsewhere, right, 200},
		{"by address with the token", locked, elsewhere, map[string]string{"Host": "10.0.0.7:8480", "Authorization": right["Authorization"]}, 200},
		{"by address without", locked, elsewhere, map[string]string{"Host": "10.0.0.7:8480"}, 401},
	} {
		if got := visit(tt.s, "GET", metricsPath, tt.peer, tt.headers); got != tt.want {
			t.Errorf("%s of %s: got %d, want %d", tt.name, tt.s.public, got, tt.want)
		}
	}
	if got := visit(local, "POST", metricsPath, here, nil); got != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d, want 405", got)
	}
}

func TestAServerWithoutItsMetricsTokenDoesNotStart(t *testing.T) {
	for token, want := range map[string]string{
		"":                 "metrics: token env:METRICS_TOKEN: the variable is not set",
		"fifteen letters":  "metrics: the token env:METRICS_TOKEN is shorter than 16 characters",
		"sixteen letters!": "",
	} {
		t.Setenv("METRICS_TOKEN", token)
		dir := t.TempDir()
		file := filepath.Join(dir, config.Name)
		if err := os.WriteFile(file, []byte("listen: 127.0.0.1:0\ndoors: 127.0.0.1:0\nmetrics: {token: \"env:METRICS_TOKEN\"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := build(t.Context(), cfg, options{})
		if err == nil {
			if closing := s.close(context.Background()); closing != nil {
				t.Error(closing)
			}
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("with %q the server says %v, want %q", token, err, want)
		}
		var out strings.Builder
		run([]string{"doctor", "--config", file}, strings.NewReader(""), &out, &out, func(string) (string, bool) { return "", false })
		if want == "" {
			want = "for who has the token of env:METRICS_TOKEN"
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("with %q the doctor does not say %q:\n%s", token, want, out.String())
		}
		if token != "" && strings.Contains(out.String(), token) {
			t.Errorf("the doctor prints the token:\n%s", out.String())
		}
	}
}
