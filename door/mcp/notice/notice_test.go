package notice_test

import (
	"fmt"
	"testing"

	"github.com/countersignhq/countersign/door/mcp/notice"
)

func all(notice.Notice) bool { return true }

func updated(uri string) notice.Notice {
	return notice.Notice{Method: notice.ResourceUpdated, Params: fmt.Appendf(nil, `{"uri":%q}`, uri)}
}

func TestASlowListenerGetsTheLastOfNoticesThatAreAlike(t *testing.T) {
	var h notice.Hub
	l := h.Listen("mcp/a", all)
	defer l.Close()
	for range 1000 {
		h.Tell("mcp/a", notice.Notice{Method: notice.ToolsChanged})
		h.Tell("mcp/a", updated("x://1"))
		h.Tell("mcp/a", updated("x://2"))
		h.Tell("mcp/b", notice.Notice{Method: notice.PromptsChanged})
	}
	<-l.Wake()
	if got := l.Take(); len(got) != 3 || got[2].URI() != "x://2" {
		t.Errorf("got %s, want three", got)
	}
	if got := l.Take(); len(got) != 0 {
		t.Errorf("taken twice: %s", got)
	}
}

func TestAFloodIsCut(t *testing.T) {
	var h notice.Hub
	l := h.Listen("mcp/a", all)
	for n := range 10_000 {
		h.Tell("mcp/a", updated(fmt.Sprint("x://", n)))
	}
	if got := len(l.Take()); got > 256 {
		t.Errorf("%d wait, want at most 256", got)
	}
	l.Close()
	h.Tell("mcp/a", notice.Notice{Method: notice.ToolsChanged})
	if got := l.Take(); len(got) != 0 {
		t.Errorf("a closed listener got %s", got)
	}
}

func TestOnlyWhatIsWantedIsTold(t *testing.T) {
	var h notice.Hub
	l := h.Listen("mcp/a", func(n notice.Notice) bool { return n.Method == notice.PromptsChanged })
	defer l.Close()
	h.Tell("mcp/a", notice.Notice{Method: notice.ToolsChanged})
	h.Tell("mcp/a", notice.Notice{Method: notice.PromptsChanged})
	if got := l.Take(); len(got) != 1 || got[0].Method != notice.PromptsChanged {
		t.Errorf("got %s", got)
	}
}
