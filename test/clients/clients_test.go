package clients

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/internal/testenv"
)

// A scenario is what people do about what a client asked for.
type scenario struct {
	name string
	tool string
	// meanwhile is done once the request is held, beside the client that waits.
	meanwhile func(w *world, r client.Request)
	want      string // begins what the client hands its model in the end
	decision  string
	execution string
	ran       int
}

var scenarios = []scenario{
	{"approved while it waits", noteTool, func(w *world, r client.Request) { w.decide(r, "approve") }, noted, "approved", "succeeded", 1},
	{"approved after its patience", noteTool, func(w *world, r client.Request) { w.answered(1); w.decide(r, "approve") }, noted, "approved", "succeeded", 1},
	{"rejected", noteTool, func(w *world, r client.Request) { w.decide(r, "reject") }, "was rejected by bob", "rejected", "none", 0},
	{"expired", soonTool, func(*world, client.Request) {}, "nobody decided", "expired", "none", 0},
	{"gateway killed while held", noteTool, func(w *world, r client.Request) { w.killed(); w.decide(r, "approve") }, noted, "approved", "succeeded", 1},
}

// longest is how long one client may take for one scenario.
const longest = 90 * time.Second

// A way is how a client reaches the gateway.
type way struct {
	name string
	// at is where the client runs, with what it calls.
	at func(w *world, p *place)
	// ran is how often the upstream noted the text.
	ran func(w *world, text string) int
	// only are the scenarios that are another thing this way. Empty: all.
	only []string
}

var ways = []way{
	{"HTTP", func(w *world, p *place) { p.url, p.token = w.doors+"/mcp/notes", w.token }, func(w *world, text string) int { return w.notes.ran(text) }, nil},
	{"bridge", func(w *world, p *place) {
		p.command = []string{w.programs.program, "mcp", "--resource", "mcp/notes"}
		p.env = map[string]string{"COUNTERSIGN_TOKEN": w.token, "COUNTERSIGN_DOORS": w.doors}
	}, func(w *world, text string) int { return w.notes.ran(text) }, nil},
	{"wrapped", func(w *world, p *place) {
		w.file = filepath.Join(p.home, "noted")
		p.command = []string{w.programs.program, "mcp", "--", w.self}
		p.env = map[string]string{"COUNTERSIGN_TOKEN": w.token, "COUNTERSIGN_DOORS": w.doors, asNotes: w.file}
	}, func(w *world, text string) int {
		b, _ := os.ReadFile(w.file) // not there: nothing ran
		return strings.Count(string(b), text+"\n")
	}, []string{"approved while it waits", "rejected", "gateway killed while held"}},
}

// A world is one gateway with what lies before and behind it.
type world struct {
	*gateway
	programs
	notes *notes
	file  string // what the wrapped upstream noted
	model *model
	over  chan struct{} // closed when the client has ended
}

// programs are what is tried, where the users of the agents and of the gateway can
// read it.
type programs struct {
	modules string // from npm
	program string // countersign
	self    string // the test's own, which is an upstream too
}

func gather(t *testing.T) programs {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the gateway and the agents have to be two users, or nothing can be approved: run this as root")
	}
	folder := open(t, 0)
	p := programs{filepath.Join(folder, "node_modules"), filepath.Join(folder, "countersign"), filepath.Join(folder, "self")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := *program
	if copied == "" {
		copied = filepath.Join(t.TempDir(), "countersign")
		build := exec.Command("go", "build", "-o", copied, "./cmd/countersign")
		build.Dir = "../.."
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	for from, to := range map[string]string{testenv.Clients(t): p.modules, copied: p.program, self: p.self} {
		// Links where that can be: the clients are large.
		if exec.Command("cp", "-al", from, to).Run() == nil {
			continue
		}
		if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v\n%s", from, err, out)
		}
	}
	return p
}

func newWorld(t *testing.T, p programs) *world {
	w := &world{programs: p, notes: &notes{count: map[string]int{}}}
	up := httptest.NewServer(w.notes)
	t.Cleanup(up.Close)
	w.gateway = serve(t, p.program, up.URL)
	return w
}

// answered waits until the model has had so many answers, or the client has ended.
func (w *world) answered(n int) {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		if _, had := w.model.last(); had >= n {
			return
		}
		select {
		case <-w.over:
			return
		case <-look.C:
		}
	}
}

// TestRealClients prints which client did what; docs/clients.md has the table.
func TestRealClients(t *testing.T) {
	if !*run {
		t.Skip("it takes minutes and downloads 1.1 GB once: make e2e-clients")
	}
	p := gather(t)
	var table bytes.Buffer
	rows := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, c := range clis {
		for _, by := range ways {
			t.Run(c.name+"/"+by.name, func(t *testing.T) {
				w := newWorld(t, p)
				for i, s := range scenarios {
					if by.only != nil && !slices.Contains(by.only, s.name) {
						continue
					}
					t.Run(s.name, func(t *testing.T) {
						w.gateway.t = t
						began := time.Now()
						did, ok := w.play(c, by, s, fmt.Sprintf("n%d", i))
						fmt.Fprintf(rows, "%s\t%s\t%s\t%s\t%v\t%.0fs\n", c.name, by.name, s.name, did, ok, time.Since(began).Seconds())
					})
				}
			})
		}
	}
	rows.Flush()
	t.Logf("\n%s", table.String())
}

// play has the client ask once, and returns what came of it.
func (w *world) play(c cli, by way, s scenario, text string) (did string, ok bool) {
	t := w.t
	text = fmt.Sprintf("%s-%s-%s", strings.Fields(c.name)[0], by.name, text)
	w.model = &model{tool: s.tool, input: obj{"text": text}, final: func(answer string) bool {
		return slices.ContainsFunc([]string{noted, "was rejected by", "nobody decided"}, func(end string) bool { return strings.Contains(answer, end) })
	}}
	fake := httptest.NewServer(w.model)
	defer fake.Close()
	p := place{home: open(t, agentUser), model: fake.URL}
	by.at(w, &p)
	said := w.until(c.start(t, w.modules, p), p.home, text, func(r client.Request) { s.meanwhile(w, r) })
	answer, n := w.model.last()
	found := w.requests(text)
	ran := by.ran(w, text)
	if len(found) != 1 || found[0].Decision != s.decision || found[0].Execution != s.execution || ran != s.ran || !strings.Contains(answer, s.want) {
		t.Errorf("%d requests %v, %d executions, want one %s/%s and %d; the last of %d answers was %q, want %q\nits model was asked %v; it said:\n%s",
			len(found), states(found), ran, s.decision, s.execution, s.ran, n, answer, s.want, w.model.seen, clip(said))
	}
	as := ""
	if len(found) > 0 {
		as = found[0].Origin.Client
	}
	return fmt.Sprintf("%s\t%d answers\t%d executions\t%s", states(found), n, ran, as), !t.Failed()
}

// until runs a client as its user until it ends, has people do something once what
// it asks for is held, and returns what it said.
func (w *world) until(cmd *exec.Cmd, home, text string, meanwhile func(client.Request)) string {
	w.ok(os.Mkdir(filepath.Join(home, "work"), 0o755))
	w.ok(os.Mkdir(filepath.Join(home, "tmp"), 0o755))
	if out, err := exec.Command("chown", "-R", fmt.Sprint(agentUser), home).CombinedOutput(); err != nil {
		w.gateway.t.Fatalf("%v\n%s", err, out)
	}
	var said bytes.Buffer
	cmd.SysProcAttr, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = as(agentUser), &said, &said, 5*time.Second
	w.ok(cmd.Start())
	w.over = make(chan struct{})
	go func() { _ = cmd.Wait(); close(w.over) }()
	tooLong := time.AfterFunc(longest, func() { cmd.Process.Kill() })
	defer func() { tooLong.Stop(); cmd.Process.Kill(); <-w.over }()
	if r, ok := w.held(text, w.over); ok {
		meanwhile(r)
	}
	<-w.over
	return said.String()
}

func states(found []client.Request) (all []string) {
	for _, r := range found {
		all = append(all, r.Decision+"/"+r.Execution)
	}
	return all
}

func clip(s string) string {
	if len(s) > 3000 {
		return s[:1500] + "\n…\n" + s[len(s)-1500:]
	}
	return s
}
