package gate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
)

// lists has the house's upstream list tools: text of the definitions, n counts.
func lists(t *testing.T, tools func(n int) string) (h *doortest.House, list func() error, recorded func() int) {
	h = doortest.New(t, files(), testPolicyOfListings)
	n := 0
	h.Upstream.Passing(func(string, []byte) ([]byte, error) {
		n++
		return []byte(`{"result":{"tools":[` + tools(n) + `]}}`), nil
	})
	list = func() error {
		_, err := h.Gate.Pass(t.Context(), countersign.Gateway(), "mcp/files", "tools/list", nil)
		return err
	}
	recorded = func() int {
		entries, err := h.Store.Events(t.Context(), countersign.ResourceID("mcp/files"))
		must(t, err)
		return len(entries)
	}
	return h, list, recorded
}

const testPolicyOfListings = `
apiVersion: countersign/v1
kind: PolicySet
metadata: {name: listings, owner: tests}
defaults: {effect: hold, reviewers: [reviewers], expires: 30m}
`

func TestAServerThatListsOtherwiseEachTimeDoesNotFillTheRecord(t *testing.T) {
	h, list, recorded := lists(t, func(n int) string { return fmt.Sprintf(`{"name":"a","description":"%d"},{"name":"b"}`, n) })
	before := recorded()
	for range 100 {
		must(t, list())
	}
	if n := recorded() - before; n != 2 {
		t.Errorf("%d events, want that it was pinned and that it changed", n)
	}
	h.Pass(t, time.Minute)
	for range 100 {
		must(t, list())
	}
	if n := recorded() - before; n != 3 {
		t.Errorf("a minute later: %d events, want one more", n)
	}
	d, err := h.Gate.Directory(t.Context())
	must(t, err)
	r := d.Resources["mcp/files"]
	if len(r.Changed) != 1 || r.Changed["a"] == r.Pins["a"] {
		t.Errorf("got %v changed, want a", r.Changed)
	}
}

func TestAServerHasSoManyToolsAtMost(t *testing.T) {
	_, list, recorded := lists(t, func(n int) string {
		var tools []string
		for i := range 400 {
			tools = append(tools, fmt.Sprintf(`{"name":"tool-%d-%d"}`, n, i))
		}
		return strings.Join(tools, ",")
	})
	must(t, list())
	must(t, list())
	before := recorded()
	for range 3 {
		err := list()
		if e, ok := errors.AsType[*countersign.Error](err); !ok || !strings.Contains(e.Detail, "more than 1000 tools") {
			t.Errorf("got %v, want that there are too many", err)
		}
	}
	if n := recorded(); n != before {
		t.Errorf("%d events of what was refused", n-before)
	}
}
