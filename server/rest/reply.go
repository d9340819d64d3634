package rest

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
)

// ErrGone says that the caller did not take the whole answer.
var ErrGone = errors.New("the caller is gone")

// Bad is the error of a call that says something it cannot.
func Bad(detail, hint string) error {
	return &countersign.Error{Code: countersign.CodeBadRequest, Detail: detail, Hint: hint}
}

// Unavailable is the error of a call that needs what cannot be read now, as err
// tells the log.
func Unavailable(what string, err error) error {
	return fmt.Errorf("%w (%w)", &countersign.Error{
		Code: countersign.CodeUnavailable, Detail: what + " cannot be read", Hint: "try again in a moment",
	}, err)
}

// Reply answers with the JSON of v, and says whether all of it was written.
func Reply(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(append(b, '\n')); err != nil {
		return ErrGone
	}
	return nil
}

// ReplyHeld answers that a change waits for people, as the request of the id.
func ReplyHeld(w http.ResponseWriter, id countersign.RequestID) error {
	w.Header().Set("Location", "/v1/requests/"+string(id))
	return Reply(w, http.StatusAccepted, struct {
		Request countersign.RequestID `json:"request"`
	}{id})
}

// ReplyZipped is Reply, compressed for who takes that: a list of 500 requests is half
// a megabyte of JSON, and a reviewer's phone loads it again each time something
// happens. It is for the lists of requests and nothing else: what is compressed beside
// text of an agent's choosing can be guessed from its length (BREACH). A list holds no
// code, link, token or key, and secrets in commands are left out of it before. Its
// length is blurred all the same, since what one agent asks for is no business of another's.
func ReplyZipped(w http.ResponseWriter, r *http.Request, v any) error {
	w.Header().Set("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return Reply(w, http.StatusOK, v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	small, err := zipped(b)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(small); err != nil {
		return ErrGone
	}
	return nil
}

// zipped is b as a gzip file (RFC 1952) whose comment is of a length that nobody
// can predict, up to 103 bytes.
func zipped(b []byte) ([]byte, error) {
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	filler := rand.Text() + rand.Text() + rand.Text() + rand.Text()
	var n [1]byte
	if _, err := rand.Read(n[:]); err != nil {
		return nil, err
	}
	z.Comment = filler[:int(n[0])%len(filler)]
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return small.Bytes(), nil
}
