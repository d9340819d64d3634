// Package slacktest is a Slack of one workspace for tests: New starts it, and a
// channel with its API address talks to it as it would to Slack. Press, Submit and
// Type do what people do; what the workspace then holds is read with Messages,
// Told and Dialogs.
//
// It answers the methods that the channel uses, opens sockets, signs requests, and
// refuses what Slack's documented limits forbid. Slack's own clients are its judges:
// test/slack.
package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
)

// What belongs to the one app of the workspace.
const (
	Workspace     = "T0ACME001"
	App           = "A0COUNTER1"
	Bot           = "U0BOT00001"
	BotToken      = "xoxb-bot"
	AppToken      = "xapp-1-app"
	SigningSecret = "8f742231b10e8888abcd99yyyzzz85a5"
)

// A User is somebody in the workspace, or somebody else whom it can see.
type User struct {
	ID         string `json:"id"`
	Workspace  string `json:"team_id"`
	Name       string `json:"real_name"`
	Deleted    bool   `json:"deleted"`
	Bot        bool   `json:"is_bot"`
	Guest      bool   `json:"is_restricted"`
	Single     bool   `json:"is_ultra_restricted"`
	Stranger   bool   `json:"is_stranger"`
	LooksAlike string `json:"-"` // the id that Slack says instead, if any
	// Profile is what its owner, or an administrator, writes there.
	Profile Profile `json:"profile"`
	// Organization says of which workspaces of an organization they are a member.
	Organization *Membership `json:"enterprise_user,omitempty"`
}

// A Profile is what anybody may claim.
type Profile struct {
	Name  string `json:"display_name,omitempty"`
	Email string `json:"email,omitempty"`
}

// A Membership is somebody's place in an Enterprise Grid organization.
type Membership struct {
	Enterprise string   `json:"enterprise_id"`
	Workspaces []string `json:"teams"`
}

// A Message is one that the workspace holds.
type Message struct {
	Place  string          `json:"channel"`
	TS     string          `json:"ts"`
	Thread string          `json:"thread_ts,omitempty"`
	Text   string          `json:"text"`
	Blocks json.RawMessage `json:"blocks"`
	Edits  int             `json:"-"`
	// For is the user who alone sees it, of one that is ephemeral.
	For string `json:"-"`
	// Form are the parameters with which it was posted or last edited.
	Form map[string][]string `json:"-"`
}

// A Dialog is one that was opened.
type Dialog struct {
	ID   string
	For  string // the user
	View slack.ModalViewRequest
	JSON json.RawMessage
}

// A Server is the workspace. Its methods are safe for concurrent use.
type Server struct {
	// URL is the address of the API, with a slash at its end.
	URL string
	t   testing.TB

	mu       sync.Mutex
	changed  *sync.Cond
	users    map[string]User
	places   map[string]string // ids by name
	messages []Message
	told     []Message
	dialogs  []Dialog
	triggers map[string]string // users by trigger id, until it is used
	faults   map[string][]fault
	calls    map[string]int
	sockets  []*socket
	opened   int
	acked    map[string]int
	holding  map[string]chan struct{} // methods that answer nothing until it is closed
	of       string                   // the organization, if any
	last     int
	ts       int
}

// A fault is what a method answers in place of what was asked.
type fault struct {
	word  string
	after int // seconds
}

// New starts a workspace with the channel #payments and stops it with the test.
func New(t testing.TB) *Server {
	s := &Server{t: t, users: map[string]User{}, places: map[string]string{"#payments": "C0PAYMENTS", "C0PAYMENTS": "C0PAYMENTS"},
		triggers: map[string]string{}, faults: map[string][]fault{}, calls: map[string]int{}, acked: map[string]int{}, holding: map[string]chan struct{}{}}
	s.changed = sync.NewCond(&s.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", s.call)
	mux.HandleFunc("GET /socket", s.serveSocket)
	mux.HandleFunc("POST /response/{user}/{place}", s.respond)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.mu.Lock()
		for _, c := range s.sockets {
			c.conn.Close()
		}
		s.mu.Unlock()
		server.Close()
	})
	s.URL = server.URL + "/api/"
	return s
}

// Join adds a user; one without a workspace is of this one.
func (s *Server) Join(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.Workspace == "" {
		u.Workspace = Workspace
	}
	s.users[u.ID] = u
}

// Organize puts the workspace into an Enterprise Grid organization.
func (s *Server) Organize(enterprise string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = enterprise
}

// Hold has every call of a method wait for its answer until release is called. The
// call is counted when it comes, and does nothing before it is answered.
func (s *Server) Hold(method string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.holding[method] = held
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.holding[method] == held {
			delete(s.holding, method)
			close(held)
		}
	}
}

// UntilCalled waits until a method has been called so often.
func (s *Server) UntilCalled(method string, times int) {
	s.t.Helper()
	s.until(fmt.Sprintf("%d calls of %s", times, method), func() bool { return s.calls[method] >= times })
}

// Limit has the next call of a method answered by 429 with so many seconds.
func (s *Server) Limit(method string, seconds int) { s.fault(method, fault{after: seconds}) }

// Later has the call after the next of a method answered by 429 with so many
// seconds.
func (s *Server) Later(method string, seconds int) {
	s.fault(method, fault{})
	s.fault(method, fault{after: seconds})
}

// Refuse has the next call of a method refused with Slack's word.
func (s *Server) Refuse(method, word string) { s.fault(method, fault{word: word}) }

func (s *Server) fault(method string, f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = append(s.faults[method], f)
}

// Calls is how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Messages are those that everybody in their place sees.
func (s *Server) Messages() []Message { return read(s, func() []Message { return s.messages }) }

// Told are those that one user alone saw.
func (s *Server) Told() []Message { return read(s, func() []Message { return s.told }) }

// Dialogs are those that were opened.
func (s *Server) Dialogs() []Dialog { return read(s, func() []Dialog { return s.dialogs }) }

func read[T any](s *Server, of func() []T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]T(nil), of()...)
}

// until waits until the workspace is as the test wants it; the condition may call
// no method of the server.
func (s *Server) until(what string, is func() bool) {
	s.t.Helper()
	done := make(chan struct{})
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for !is() && s.t.Context().Err() == nil {
			s.changed.Wait()
		}
		close(done)
	}()
	stop := afterContext(s.t, func() { s.changed.Broadcast() })
	defer stop()
	select {
	case <-done:
	case <-timeout():
		s.t.Fatalf("slacktest: waited in vain for %s", what)
	}
}

// UntilMessages waits for so many messages that everybody sees.
func (s *Server) UntilMessages(n int) []Message {
	s.t.Helper()
	s.until(fmt.Sprintf("%d messages", n), func() bool { return len(s.messages) >= n })
	return s.Messages()
}

// UntilTold waits for so many messages that one user alone sees.
func (s *Server) UntilTold(n int) []Message {
	s.t.Helper()
	s.until(fmt.Sprintf("%d private messages", n), func() bool { return len(s.told) >= n })
	return s.Told()
}

// UntilDialogs waits for so many dialogs.
func (s *Server) UntilDialogs(n int) []Dialog {
	s.t.Helper()
	s.until(fmt.Sprintf("%d dialogs", n), func() bool { return len(s.dialogs) >= n })
	return s.Dialogs()
}

// UntilEdited waits until a message has been edited so often.
func (s *Server) UntilEdited(m Message, times int) Message {
	s.t.Helper()
	var now Message
	s.until(fmt.Sprintf("%d edits of %s", times, m.TS), func() bool {
		for _, other := range s.messages {
			if other.Place == m.Place && other.TS == m.TS {
				now = other
			}
		}
		return now.Edits >= times
	})
	return now
}

// Decoded are the blocks of the message.
func (m Message) Decoded() ([]slack.Block, error) {
	var blocks slack.Blocks
	err := json.Unmarshal(m.Blocks, &blocks)
	return blocks.BlockSet, err
}

// Button finds a button of the message by its action id.
func (m Message) Button(action string) (slack.ButtonBlockElement, bool) {
	blocks, err := m.Decoded()
	if err != nil {
		return slack.ButtonBlockElement{}, false
	}
	for _, b := range blocks {
		row, ok := b.(*slack.ActionBlock)
		if !ok {
			continue
		}
		for _, e := range row.Elements.ElementSet {
			if button, ok := e.(*slack.ButtonBlockElement); ok && button.ActionID == action {
				return *button, true
			}
		}
	}
	return slack.ButtonBlockElement{}, false
}

// trigger makes the id with which one dialog can be opened for a user.
func (s *Server) trigger(user string) string {
	s.last++
	id := fmt.Sprintf("%d.%s", s.last, strings.ToLower(Workspace))
	s.triggers[id] = user
	return id
}

// timeout ends a wait that no event will end.
func timeout() <-chan time.Time { return time.After(20 * time.Second) }

func afterContext(t testing.TB, do func()) (stop func() bool) {
	return context.AfterFunc(t.Context(), do)
}
