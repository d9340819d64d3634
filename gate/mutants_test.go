package gate_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutants = flag.Bool("mutants", false, "break the gate on purpose and see that the simulation catches it")

// A mutant is one way to break the path: the first place in the file that reads
// old reads new instead.
type mutant struct {
	breaks string
	file   string
	old    string
	new    string
}

var brokenGates = []mutant{
	{"voters are not counted again at release", "release.go", "if !quorum.Met(r.Verdict.Requirement.Stages, voters) {", "if !quorum.Met(r.Verdict.Requirement.Stages, voters) && false {"},
	{"a stage wants one voter too few", "quorum/quorum.go", "if s.Quorum < 1 || s.Quorum > len(voters) {\n\t\t\treturn false\n\t\t}\n\t\tfor range s.Quorum {", "for range s.Quorum - 1 {"},
	{"one person may sit in two places", "quorum/quorum.go", "tried[i] = true\n", "tried[i] = true; seated[i] = place; if true { return true }\n"},
	{"whoever asks may decide", "quorum/quorum.go", "if slices.Contains(barredNow(d, r), person) {", "if slices.Contains(barredNow(d, r), person) && false {"},
	{"the owner of the agent is not barred", "quorum/quorum.go", "owners := []string{p.Owner}", "return nil; owners := []string{p.Owner}"},
	{"inactive people decide", "quorum/quorum.go", "if !ok || p.Inactive {", "if !ok {"},
	{"who joined later decides", "quorum/quorum.go", "d.SeatsOf(person, r.CreatedAt,", "d.SeatsOf(person, r.CreatedAt.AddDate(1, 0, 0),"},
	{"a delegation goes two hops", "../away.go", "names = append(names, d.GroupsOf(id, asked)...)", "for x, p := range d.People { if x == id || p.Away != nil && p.Away.StandIn == id { names = append(names, d.GroupsOf(x, asked)...) } }"},
	{"a schedule selects outside the pool", "oncall.go", "d.People[id].Inactive || !d.Groups[old.Pool].Lists(id)", "d.People[id].Name == \"\""},
	{"late votes count", "decide.go", "events:    []countersign.Event{step(d.who(), countersign.DecisionApproved, none, body)},\n\t\t\tnotAfter:  r.ExpiresAt(),", "events:    []countersign.Event{step(d.who(), countersign.DecisionApproved, none, body)},"},
	{"approvals never lapse", "release.go", "c := change{notAfter: r.RunBy, seen: dir,", "c := change{seen: dir,"},
	{"the policy is not asked again at release", "release.go", "if policy.Stricter(r.Verdict, verdict) {", "if policy.Stricter(r.Verdict, verdict) && false {"},
	{"a denial at release is overlooked", "release.go", "return verdict, denied(verdict, \"\")", "verdict = r.Verdict"},
	{"the upstream may have moved", "release.go", "if err != nil || !bytes.Equal(again, r.Canonical) {", "if err != nil || !bytes.Equal(again, r.Canonical) && false {"},
	{"other bytes may be decided", "decide.go", "if d.Digest != r.Digest {", "if d.Digest != r.Digest && false {"},
	{"what was running is forgotten at start", "gate.go", "if err := g.recover(ctx); err != nil {", "if err := error(nil); err != nil && g.recover(ctx) == nil {"},
	{"a command runs twice", "run.go", "told, err := via.Run(ctx, release, result)", "via.Run(ctx, release, result); told, err := via.Run(ctx, release, result)"},
	{"a lost answer to a release is forgotten", "gate.go", "if errors.Is(err, store.ErrUnknown) {", "if errors.Is(err, store.ErrUnknown) && false {"},
	{"a repeat of anybody joins", "understand.go", "parts := []string{a.By.ID, a.By.Issuer, a.By.Subject}", "parts := []string{}"},
	{"decisions stand on a directory that has changed", "decide.go", "c.seen = dir", "_ = dir"},
	{"a passkey may sign anything", "ceremony.go", "if err := ledger.CheckAssertion(a, c); err != nil {", "if err := ledger.CheckAssertion(a, c); err != nil && false {"},
	{"what a removed passkey signed counts", "quorum/quorum.go", "if a.Assurance == countersign.Passkey {", "if a.Assurance == countersign.Passkey && false {"},
	{"the release stands on a directory that has changed", "release.go", "c := change{notAfter: r.RunBy, seen: dir,", "c := change{notAfter: r.RunBy,"},
}

// TestBrokenGatesAreCaught builds the gate broken in one way at a time and
// expects the simulation to say so. It is what makes a green simulation worth
// something.
func TestBrokenGatesAreCaught(t *testing.T) {
	for _, m := range brokenGates {
		t.Run(m.breaks, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			must(t, err)
			if !strings.Contains(string(source), m.old) {
				t.Fatalf("%s no longer reads %q; break what it reads now", m.file, m.old)
			}
			if !*mutants {
				return
			}
			out, err := simulate(t, m, source)
			if err == nil {
				t.Errorf("the simulation found nothing wrong")
			} else if !strings.Contains(out, "seed ") {
				t.Errorf("the simulation did not run: %v\n%s", err, out)
			} else {
				t.Log(firstLine(out))
			}
		})
	}
}

func simulate(t *testing.T, m mutant, source []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	broken := filepath.Join(dir, filepath.Base(m.file))
	must(t, os.WriteFile(broken, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
	here, err := filepath.Abs(m.file)
	must(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{here: broken}})
	must(t, err)
	overlayFile := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(overlayFile, overlay, 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlayFile, "-vet=off", ".",
		"-run", "TestSimulatedHistories", "-histories", "1500", "-timeout", "5m")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func firstLine(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "seed ") {
			return strings.TrimSpace(line)
		}
	}
	return out
}
