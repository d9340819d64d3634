package gate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// A server is an upstream that also lists one tool, whose description is set.
type server struct {
	*recorder
	says string
}

func (s *server) listing() []byte {
	return fmt.Appendf(nil, `{"result":{"tools":[{"name":"read_file","description":%q,"annotations":{"readOnlyHint":true}}]}}`, s.says)
}

// Pass implements gate.Passer.
func (s *server) Pass(context.Context, string, []byte) ([]byte, error) { return s.listing(), nil }

// A workshop is a house whose server changes its tool.
type workshop struct {
	*house
	server *server
}

func newWorkshop(t *testing.T) workshop {
	w := newWorld(t)
	h := workshop{w.enrol("bob"), &server{recorder: w.upstream}}
	h.starts()
	return h
}

// starts has another process serve the same record.
func (h workshop) starts() {
	h.t.Helper()
	var err error
	h.gate, err = gate.New(context.Background(), h.store, h.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": h.server}, Now: h.clock.Now,
	})
	must(h.t, err)
}

// lists has somebody list the tool as it is from now on, a second later.
func (h workshop) lists(says string) {
	h.t.Helper()
	h.server.says = says
	_, err := h.gate.Pass(h.t.Context(), countersign.Gateway(), "mcp/files", "tools/list", nil)
	must(h.t, err)
	h.clock.Advance(time.Second)
}

func TestWhatIsApprovedOfAToolThatKeepsChangingIsTheDefinitionListedLast(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(workshop)
		runs      int
	}{
		"nothing is listed since":                {func(workshop) {}, 1},
		"the same is listed":                     {func(h workshop) { h.lists("second") }, 1},
		"another is listed":                      {func(h workshop) { h.lists("third") }, 0},
		"another is listed, twice":               {func(h workshop) { h.lists("third"); h.lists("fourth") }, 0},
		"another, and the one that was approved": {func(h workshop) { h.lists("third"); h.lists("second") }, 1},
		"another, and the gateway starts anew":   {func(h workshop) { h.lists("third"); h.starts() }, 0},
		"another, and a minute later once more":  {func(h workshop) { h.lists("third"); h.clock.Advance(time.Minute); h.lists("third") }, 0},
		"another, and later the approved one": {func(h workshop) {
			h.lists("third")
			h.clock.Advance(time.Minute)
			h.lists("second")
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorkshop(t)
			h.lists("first")
			h.lists("second")
			r := h.held("read_file", `{"path":"/srv/a"}`)
			must(t, h.signs("bob", countersign.Approve, r.ID))
			c.meanwhile(h)
			h.run(r.ID)
			h.ran(r.ID, c.runs)
			if got := h.state(r.ID).Decision; c.runs == 0 && got != countersign.DecisionDenied {
				t.Errorf("it is %s, want it denied: the tool is not what it was", got)
			}
			h.holds()
		})
	}
}

func TestAnAskIsOfTheToolAsItWasListedLast(t *testing.T) {
	h := newWorkshop(t)
	h.lists("first")
	for _, says := range []string{"second", "third", "fourth"} {
		h.lists(says)
		r := h.held("read_file", `{"path":"/srv/`+says+`"}`)
		pins, _, err := mcptool.Pins(h.server.listing())
		must(t, err)
		if got := r.Command.(countersign.MCPRequest).Tool; got != pins["read_file"] {
			t.Errorf("what is asked is of the definition %s, want %s, that of %q", got, pins["read_file"], says)
		}
	}
}

func TestADefinitionThatWasListedAnewSinceItWasLookedAtIsNotAccepted(t *testing.T) {
	h := newWorkshop(t)
	h.lists("first")
	h.lists("second")
	h.refused(h.gate.Repin(t.Context(), operator(), "mcp/files", ""), countersign.CodeConflict)
	must(t, h.gate.Repin(t.Context(), operator(), "mcp/files", ""))
	d, err := h.gate.Directory(t.Context())
	must(t, err)
	pins, _, err := mcptool.Pins(h.server.listing())
	must(t, err)
	if got := d.Resources["mcp/files"].Pins["read_file"]; got != pins["read_file"] {
		t.Errorf("pinned is %s, want %s, which was listed last", got, pins["read_file"])
	}
}

func TestADefinitionThatPeopleAcceptedAfterAnotherWasListedIsNotTakenForIt(t *testing.T) {
	h := newWorkshop(t)
	for _, name := range []string{"carol", "dave"} {
		h.keys[name] = h.enrolled(name, "operator", "per_bob")
	}
	h.clock.Advance(time.Second)
	h.lists("first")
	change := h.waits(h.gate.Repin(t.Context(), operator(), "mcp/files", "read_file"))
	h.lists("second")
	for _, name := range []string{"bob", "carol"} {
		must(t, h.signs(name, countersign.Approve, change.ID))
	}
	h.held("read_file", `{"path":"/srv/a"}`) // and does not run, as what is pinned would
}
