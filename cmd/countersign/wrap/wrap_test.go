package wrap_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/cmd/countersign/wrap"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/executors"
	"github.com/countersignhq/countersign/upstream/remote"
	"golang.org/x/mod/sumdb/note"
)

var bot = countersign.Principal{Kind: countersign.KindAgent, ID: "agt_1", Name: "bot"}

// newGateway is where bot attaches for mcp/own. The function that it returns closes
// the connections that wait for work.
func newGateway(t *testing.T) (*remote.Remote, wrap.Config, func()) {
	t.Helper()
	r, err := remote.New(remote.Config{Name: "mcp/own", Agent: "bot", Trust: ledger.Trust{Origin: "log", Keys: note.VerifierList()}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(executors.New(executors.Config{
		Remotes: map[string]*remote.Remote{"mcp/own": r}, VKey: "key",
		Authenticate: func(context.Context, *http.Request) (countersign.Principal, error) { return bot, nil },
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return r, wrap.Config{Doors: server.URL, Token: "t", Patience: time.Nanosecond}, server.CloseClientConnections
}

// serving runs Serve, until the context ends, and has attached when it returns.
func serving(t *testing.T, ctx context.Context, cfg wrap.Config) <-chan error {
	t.Helper()
	return servingWith(t, ctx, cfg, newPrompt())
}

func servingWith(t *testing.T, ctx context.Context, cfg wrap.Config, s wrap.Server) <-chan error {
	t.Helper()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- wrap.Serve(ctx, cfg, "mcp/own", s, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return ended
}

func TestAProcessAnswersAndThenLeavesItsPlace(t *testing.T) {
	r, cfg, _ := newGateway(t)
	found, err := wrap.Find(t.Context(), cfg, "")
	if err != nil || found.Resource != "mcp/own" || found.VKey != "key" || found.Target != r.Target() {
		t.Fatalf("got %+v, %v", found, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := serving(t, ctx, cfg)
	if b, err := r.Pass(t.Context(), "tools/list", nil); err != nil || !strings.Contains(string(b), `"approve"`) {
		t.Errorf("got %s, %v", b, err)
	}
	if _, err := r.Pass(t.Context(), "prompts/list", nil); err == nil || !strings.Contains(err.Error(), "not answered here") {
		t.Errorf("got %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := r.Attach(bot, remote.Hello{}); err != nil {
		t.Errorf("the place is not free: %v", err)
	}
}

func TestAProcessAttachesAgainWhenTheGatewayHasForgottenIt(t *testing.T) {
	r, cfg, cut := newGateway(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := serving(t, ctx, cfg)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	cut()
	if b, err := r.Pass(t.Context(), "tools/list", nil); err != nil || !strings.Contains(string(b), `"approve"`) {
		t.Errorf("got %s, %v", b, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAProcessWhosePlaceIsTakenEnds(t *testing.T) {
	r, cfg, cut := newGateway(t)
	ended := serving(t, t.Context(), cfg)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Attach(bot, remote.Hello{}); err != nil {
		t.Fatal(err)
	}
	cut()
	if err := <-ended; countersign.CodeOf(err) != countersign.CodeConflict {
		t.Errorf("got %v, want to be told of the other", err)
	}
}

// A long server's answer has so many bytes.
type long struct {
	*wrap.Prompt
	bytes atomic.Int64
}

func (l *long) Pass(context.Context, string, []byte) ([]byte, error) {
	return make([]byte, l.bytes.Load()), nil
}

func TestALongAnswerArrivesAndOneThatIsTooLongSaysSo(t *testing.T) {
	r, cfg, _ := newGateway(t)
	server := &long{Prompt: newPrompt()}
	server.bytes.Store(16 << 20)
	servingWith(t, t.Context(), cfg, server)
	if b, err := r.Pass(t.Context(), "tools/list", nil); err != nil || len(b) != 16<<20 {
		t.Errorf("got %d bytes, %v, want what the server answered", len(b), err)
	}
	server.bytes.Store(20 << 20)
	if b, err := r.Pass(t.Context(), "tools/list", nil); err == nil || !strings.Contains(err.Error(), "the answer of 20971520 bytes was not taken") {
		t.Errorf("got %d bytes, %v, want that it was too long", len(b), err)
	}
}
