package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

// An answer is what every method answers, with what some add.
type answer struct {
	OK           bool             `json:"ok"`
	Error        string           `json:"error,omitempty"`
	Team         string           `json:"team,omitempty"`
	TeamID       string           `json:"team_id,omitempty"`
	EnterpriseID string           `json:"enterprise_id,omitempty"`
	UserID       string           `json:"user_id,omitempty"`
	BotID        string           `json:"bot_id,omitempty"`
	URL          string           `json:"url,omitempty"`
	Place        string           `json:"channel,omitempty"`
	TS           string           `json:"ts,omitempty"`
	Ephemeral    string           `json:"message_ts,omitempty"`
	User         *User            `json:"user,omitempty"`
	Bot          *botInfo         `json:"bot,omitempty"`
	View         *json.RawMessage `json:"view,omitempty"`
	Message      *Message         `json:"message,omitempty"`
	Conversation *place           `json:"conversation,omitempty"`
}

type botInfo struct {
	ID    string `json:"id"`
	AppID string `json:"app_id"`
}

type place struct {
	ID string `json:"id"`
}

func refused(word string) answer { return answer{Error: word} }

// call serves the Web API: parameters as a form or as JSON, the token in a header
// or among them.
func (s *Server) call(w http.ResponseWriter, r *http.Request) {
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	form, err := parameters(r)
	if err != nil {
		write(w, refused("invalid_json"))
		return
	}
	if given := form["token"]; token == "" && len(given) > 0 {
		token = given[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	s.calls[method]++
	s.changed.Broadcast()
	if held := s.holding[method]; held != nil {
		s.mu.Unlock()
		select {
		case <-held:
		case <-r.Context().Done():
		}
		s.mu.Lock()
		if r.Context().Err() != nil {
			return // whoever called has not waited
		}
	}
	if queued := s.faults[method]; len(queued) > 0 {
		s.faults[method] = queued[1:]
		if queued[0].word != "" {
			write(w, refused(queued[0].word))
			return
		}
		if queued[0].after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(queued[0].after))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
	}
	want := BotToken
	if method == "apps.connections.open" {
		want = AppToken
	}
	switch token {
	case want:
		write(w, s.answer(r, method, func(key string) string {
			if v := form[key]; len(v) > 0 {
				return v[0]
			}
			return ""
		}, form))
	case "":
		write(w, refused("not_authed"))
	default:
		write(w, refused("invalid_auth"))
	}
}

// parameters are those of a form, or of a JSON object with its objects as text.
func parameters(r *http.Request) (map[string][]string, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		err := r.ParseForm()
		return r.Form, err
	}
	var object map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&object); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	form := map[string][]string{}
	for key, raw := range object {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			s = string(raw)
		}
		form[key] = []string{s}
	}
	return form, nil
}

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	a.OK = a.Error == ""
	json.NewEncoder(w).Encode(a)
}

func (s *Server) answer(r *http.Request, method string, param func(string) string, form map[string][]string) answer {
	switch method {
	case "auth.test":
		return answer{Team: "Acme", TeamID: Workspace, EnterpriseID: s.of, UserID: Bot, BotID: "B0BOT00001", URL: "https://acme.slack.example/"}
	case "bots.info":
		return answer{Bot: &botInfo{ID: param("bot"), AppID: App}}
	case "users.info":
		u, ok := s.users[param("user")]
		if !ok {
			return refused("user_not_found")
		}
		if u.LooksAlike != "" {
			u.ID = u.LooksAlike
		}
		return answer{User: &u}
	case "apps.connections.open":
		return answer{URL: "ws://" + r.Host + "/socket?ticket=1"}
	case "chat.postMessage":
		return s.post(param, form)
	case "chat.postEphemeral":
		return s.whisper(param, form)
	case "chat.update":
		return s.update(param, form)
	case "views.open":
		return s.open(param)
	}
	return refused("unknown_method")
}

// where resolves a place: a channel by name or id, or the conversation with a user.
func (s *Server) where(to string) (string, bool) {
	if id, ok := s.places[to]; ok {
		return id, true
	}
	if _, ok := s.users[to]; ok {
		return "D" + strings.TrimPrefix(to, "U"), true
	}
	return to, strings.HasPrefix(to, "D")
}

// message reads one, refusing what Slack would.
func (s *Server) message(param func(string) string, form map[string][]string) (Message, string) {
	m := Message{Text: param("text"), Thread: param("thread_ts"), Blocks: json.RawMessage(param("blocks")), Form: form}
	if len(m.Blocks) == 0 {
		if m.Text == "" {
			return m, "no_text"
		}
		return m, ""
	}
	blocks, err := m.Decoded()
	if err != nil {
		return m, "invalid_blocks_format"
	}
	if err := blockkit.Check(blocks); err != nil {
		s.t.Logf("slacktest: refused blocks: %v", err)
		return m, "invalid_blocks"
	}
	return m, ""
}

func (s *Server) now() string {
	s.ts++
	return fmt.Sprintf("1795000000.%06d", s.ts)
}

func (s *Server) post(param func(string) string, form map[string][]string) answer {
	at, ok := s.where(param("channel"))
	if !ok {
		return refused("channel_not_found")
	}
	m, word := s.message(param, form)
	if word != "" {
		return refused(word)
	}
	m.Place, m.TS = at, s.now()
	if strings.HasPrefix(at, "D") {
		m.For = "U" + strings.TrimPrefix(at, "D")
	}
	s.messages = append(s.messages, m)
	if m.For != "" {
		s.told = append(s.told, m)
	}
	return answer{Place: at, TS: m.TS, Message: &m}
}

func (s *Server) whisper(param func(string) string, form map[string][]string) answer {
	at, ok := s.where(param("channel"))
	if !ok {
		return refused("channel_not_found")
	}
	m, word := s.message(param, form)
	if word != "" {
		return refused(word)
	}
	m.Place, m.TS, m.For = at, s.now(), param("user")
	s.told = append(s.told, m)
	return answer{Ephemeral: m.TS}
}

func (s *Server) update(param func(string) string, form map[string][]string) answer {
	m, word := s.message(param, form)
	if word != "" {
		return refused(word)
	}
	for i, old := range s.messages {
		if old.Place == param("channel") && old.TS == param("ts") {
			m.Place, m.TS, m.For, m.Edits = old.Place, old.TS, old.For, old.Edits+1
			s.messages[i] = m
			return answer{Place: m.Place, TS: m.TS, Message: &m}
		}
	}
	return refused("message_not_found")
}

func (s *Server) open(param func(string) string) answer {
	trigger := param("trigger_id")
	user, ok := s.triggers[trigger]
	if !ok {
		return refused("expired_trigger_id")
	}
	delete(s.triggers, trigger)
	raw := json.RawMessage(param("view"))
	var view slack.ModalViewRequest
	if err := json.Unmarshal(raw, &view); err != nil {
		return refused("invalid_arguments")
	}
	if err := blockkit.CheckView(view); err != nil {
		s.t.Logf("slacktest: refused a dialog: %v", err)
		return refused("invalid_arguments")
	}
	s.last++
	d := Dialog{ID: fmt.Sprintf("V%06d", s.last), For: user, View: view, JSON: raw}
	s.dialogs = append(s.dialogs, d)
	said := json.RawMessage(fmt.Sprintf(`{"id":%q,"type":"modal","callback_id":%q}`, d.ID, view.CallbackID))
	return answer{View: &said}
}

// respond is a response URL: it answers the one user where they typed.
func (s *Server) respond(w http.ResponseWriter, r *http.Request) {
	var m Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	if len(m.Blocks) > 0 {
		blocks, err := m.Decoded()
		if err == nil {
			err = blockkit.Check(blocks)
		}
		if err != nil {
			s.t.Logf("slacktest: refused blocks: %v", err)
			http.Error(w, "invalid_blocks", http.StatusBadRequest)
			return
		}
	}
	m.Place, m.For, m.TS = r.PathValue("place"), r.PathValue("user"), s.now()
	s.told = append(s.told, m)
	w.Write([]byte("ok"))
}
