package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign/door/mcp/session"
	"github.com/countersignhq/countersign/door/mcp/state"
)

var (
	key = []byte("a key of the gateway's own......")
	of  = state.Holder{Agent: "agt_1", Chain: "[]", Resource: "mcp/files"}
)

const idle = 24 * time.Hour

// start is a table of a gateway that starts now.
func start() *session.Table {
	time.Sleep(time.Second)
	return session.New(key, idle, time.Now)
}

func begin(t *testing.T, table *session.Table) string {
	t.Helper()
	x, ok := table.Begin(of, state.Claim("claude-code", "2"))
	if !ok {
		t.Fatal("a session cannot be begun")
	}
	return x.ID
}

func TestASessionOutlivesItsTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := begin(t, start())
		for n := range 3 {
			table := start()
			x, ok := table.Find(id, of)
			if !ok || x.ID != id || x.Client != "claude-code" || x.Version != "2" {
				t.Fatalf("after %d restarts: got %+v, %t, want the same session", n+1, x, ok)
			}
			if again, ok := table.Find(id, of); again != x {
				t.Errorf("found again: got %p, %t, want %p", again, ok, x)
			}
		}
	})
}

func TestASessionThatIsBegunAgainIsItsHoldersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := begin(t, start())
		table := start()
		for _, inMemory := range []string{"not yet in memory", "in memory"} {
			for name, h := range map[string]state.Holder{
				"another agent":    {Agent: "agt_2", Chain: of.Chain, Resource: of.Resource},
				"another chain":    {Agent: of.Agent, Chain: `["usr_1" "" ""]`, Resource: of.Resource},
				"another resource": {Agent: of.Agent, Chain: of.Chain, Resource: "mcp/x"},
			} {
				if _, ok := table.Find(id, h); ok {
					t.Errorf("%s, %s: found, want not", name, inMemory)
				}
			}
			if _, ok := table.Find(id, of); !ok {
				t.Errorf("its holder, %s: not found", inMemory)
			}
		}
		if _, ok := session.New([]byte("another"), idle, time.Now).Find(id, of); ok {
			t.Error("found under another key, want not")
		}
	})
}

func TestASessionIsNotBegunAgainOnceItMayHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := begin(t, start())
		time.Sleep(idle - 2*time.Second)
		if _, ok := start().Find(id, of); !ok {
			t.Error("a second before its time: not found")
		}
		if _, ok := start().Find(id, of); !ok {
			t.Error("at its time: not found")
		}
		if _, ok := start().Find(id, of); ok {
			t.Error("a second after its time: found, want not")
		}
	})
}

func TestASessionThatEndedHereStaysEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		older := begin(t, start())
		table := start()
		own := begin(t, table)
		for name, id := range map[string]string{"begun here": own, "begun again here": older} {
			x, ok := table.Find(id, of)
			if !ok {
				t.Fatalf("%s: not found", name)
			}
			table.End(x)
			if _, ok := table.Find(id, of); ok {
				t.Errorf("%s and ended: found, want not", name)
			}
		}
	})
}

func TestASessionIsNotBegunAgainWhenTheClockIsSetBack(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	table := session.New(key, idle, func() time.Time { return now })
	now = now.Add(-time.Hour)
	x, _ := table.Begin(of, state.Session{})
	table.End(x)
	if _, ok := table.Find(x.ID, of); ok {
		t.Error("an ended session was found, want not")
	}
}

func TestOldIDsCostTheirAgentAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := start()
		var ids []string
		for range 101 {
			ids = append(ids, begin(t, first))
		}
		others := state.Holder{Agent: "agt_2", Chain: "[]", Resource: of.Resource}
		x, _ := first.Begin(others, state.Session{})
		table := start()
		for i, id := range ids {
			if _, ok := table.Find(id, of); ok != (i < 100) {
				t.Errorf("id %d: found %t, want only the first 100 found", i, ok)
			}
		}
		if _, ok := table.Find(x.ID, others); !ok {
			t.Error("another agent's session was not found")
		}
	})
}
