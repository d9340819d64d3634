package slacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// A socket is one open connection.
type socket struct{ conn *websocket.Conn }

type frame struct {
	Type       string          `json:"type"`
	ID         string          `json:"envelope_id,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"`
	Accepts    bool            `json:"accepts_response_payload"`
	Attempt    int             `json:"retry_attempt,omitempty"`
	Reason     string          `json:"retry_reason,omitempty"`
	Count      int             `json:"num_connections,omitempty"`
	Connection *connection     `json:"connection_info,omitempty"`
}

type connection struct {
	App string `json:"app_id"`
}

// serveSocket says hello, pings as Slack does, and notes what is acknowledged.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	c := &socket{conn}
	s.mu.Lock()
	s.sockets = append(s.sockets, c)
	s.opened++
	conn.WriteJSON(frame{Type: "hello", Count: len(s.sockets), Connection: &connection{App}})
	conn.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Second))
	s.changed.Broadcast()
	s.mu.Unlock()
	for {
		var ack struct {
			ID string `json:"envelope_id"`
		}
		err := conn.ReadJSON(&ack)
		s.mu.Lock()
		if err != nil {
			s.remove(c)
			s.mu.Unlock()
			return
		}
		s.acked[ack.ID]++
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

func (s *Server) remove(c *socket) {
	for i, other := range s.sockets {
		if other == c {
			s.sockets = append(s.sockets[:i], s.sockets[i+1:]...)
		}
	}
	s.changed.Broadcast()
}

// UntilListening waits for so many open sockets.
func (s *Server) UntilListening(n int) {
	s.t.Helper()
	s.until(fmt.Sprintf("%d sockets", n), func() bool { return len(s.sockets) >= n })
}

// Send sends the delivery over one of the sockets, each in turn, and returns the
// id of its envelope.
func (s *Server) Send(d Delivery) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	name := fmt.Sprintf("env-%06d", s.last)
	s.send(d, name, 0)
	return name
}

// Again sends a delivery again as Slack does that heard no acknowledgement.
func (s *Server) Again(d Delivery, envelope string, attempt int) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.send(d, envelope, attempt)
}

func (s *Server) send(d Delivery, envelope string, attempt int) {
	s.t.Helper()
	if len(s.sockets) == 0 {
		s.t.Fatal("slacktest: nobody listens")
	}
	f := frame{Type: d.Kind, ID: envelope, Payload: d.Payload, Accepts: true, Attempt: attempt}
	if attempt > 0 {
		f.Reason = "timeout"
	}
	if err := s.sockets[s.last%len(s.sockets)].conn.WriteJSON(f); err != nil {
		s.t.Fatalf("slacktest: send an envelope: %v", err)
	}
}

// Hangup ends every socket as Slack does before it moves a connection: nothing is
// sent over it any more.
func (s *Server) Hangup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sockets {
		c.conn.WriteJSON(frame{Type: "disconnect"})
	}
	s.sockets = nil
}

// Acked is how often an envelope was acknowledged.
func (s *Server) Acked(envelope string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked[envelope]
}

// UntilAcked waits until an envelope has been acknowledged so often.
func (s *Server) UntilAcked(envelope string, times int) {
	s.t.Helper()
	s.until(fmt.Sprintf("%d acknowledgements of %s", times, envelope), func() bool { return s.acked[envelope] >= times })
}

// UntilOpened waits until so many sockets have been opened since the start and one
// is open.
func (s *Server) UntilOpened(times int) {
	s.t.Helper()
	s.until(fmt.Sprintf("socket %d", times), func() bool { return s.opened >= times && len(s.sockets) > 0 })
}
