package slack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign/channel"
)

// mostSigned is the largest request that is read, that of a desk's delivery.
const mostSigned = 256 << 10

// arrives is how long the body of a request may take, which anybody can send. Slack
// itself waits three seconds for the answer.
const arrives = 10 * time.Second

// Handler receives what is pressed as signed requests: the alternative to Listen
// for those who let Slack reach them. One path serves interactivity, commands and
// events.
//
// A request counts if its signature (v0) is of its very bytes and its time is
// within five minutes of now. The same request again is the same delivery.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
func (s *Slack) Handler(desk channel.Desk) (http.Handler, error) {
	if s.config.SigningSecret == "" {
		return nil, errors.New("slack: signed requests need the signing secret; docs/slack.md tells where it stands")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "Slack posts here", http.StatusMethodNotAllowed)
			return
		}
		body, err := signed(w, r)
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the request did not arrive whole in time", http.StatusRequestTimeout)
			return
		}
		if err := s.verify(r.Header, body); err != nil {
			s.config.Log.Warn("slack: refused a request", "from", r.RemoteAddr, "error", err)
			http.Error(w, "the request does not bear a signature of Slack from the last five minutes", http.StatusUnauthorized)
			return
		}
		s.accept(w, r, desk, body)
	}), nil
}

// signed reads the body, in bounded time and size.
func signed(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(arrives)) // a test's writer knows none
	defer func() { _ = rc.SetReadDeadline(time.Time{}) }()
	return io.ReadAll(http.MaxBytesReader(w, r.Body, mostSigned))
}

func (s *Slack) verify(header http.Header, body []byte) error {
	v, err := slack.NewSecretsVerifier(header, s.config.SigningSecret)
	if err != nil {
		return err
	}
	if _, err := v.Write(body); err != nil {
		return err
	}
	return v.Ensure()
}

// accept keeps a verified request before it answers. Its id is the digest of its
// bytes: they hold the trigger id, which Slack makes anew for whatever is pressed.
func (s *Slack) accept(w http.ResponseWriter, r *http.Request, desk channel.Desk, body []byte) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		s.challenge(w, body)
		return
	}
	if bytes.HasPrefix(body, []byte("{")) {
		http.Error(w, "an envelope comes over a socket, not as a form", http.StatusBadRequest)
		return
	}
	digest := sha256.Sum256(body)
	if err := desk.Receive(r.Context(), channel.Delivery{ID: "signed-" + hex.EncodeToString(digest[:]), Body: body}); err != nil {
		s.config.Log.Error("slack: a request could not be kept", "error", err)
		http.Error(w, "it could not be kept; send it again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// challenge answers Slack's question whether this address is ours; other events
// are none that the app subscribes to.
func (s *Slack) challenge(w http.ResponseWriter, body []byte) {
	var event struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		http.Error(w, "the event does not parse", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if event.Type == "url_verification" {
		io.WriteString(w, event.Challenge)
	}
}
