package state

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sessionPrefix begins our session ids.
const sessionPrefix = "cs1s."

// Sizes of a session's id. All of it is visible ASCII (MCP 2025-11-25, transports,
// "Session Management").
const (
	mostID    = 2048
	mostClaim = 64 // bytes of a client's name, and of its version
)

// A Session is what a client said when it began one. It carries no authority: who
// asks is found out at each call.
type Session struct {
	// Client and Version are what the client says it is, of at most 64 bytes each.
	Client, Version string
	// Toolless is whether the upstream has no tools of its own.
	Toolless bool
	// Began is when, to the nanosecond.
	Began time.Time
}

// Claim is a session with the beginnings of what a client says it is.
func Claim(client, version string) Session {
	return Session{Client: clip(client), Version: clip(version)}
}

// clip keeps whole characters.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), mostClaim)], "") }

// Claimed is what the client says it is, in the characters that a log, a page and a
// terminal all show alike.
func (s Session) Claimed() string {
	clean := func(said string, most int) string {
		var b strings.Builder
		for _, c := range said {
			if b.Len() == most {
				break
			}
			if c < ' ' || c > '~' {
				c = '?'
			}
			b.WriteRune(c)
		}
		return b.String()
	}
	who := clean(s.Client, 48)
	if who == "" {
		return ""
	}
	if v := clean(s.Version, 16); v != "" {
		who += "/" + v
	}
	return who
}

// SealSession writes an id of the session for its holder, which no other session
// has.
func SealSession(key []byte, h Holder, s Session) string {
	body := []byte(url.Values{
		"client": {clip(s.Client)}, "version": {clip(s.Version)}, "toolless": {strconv.FormatBool(s.Toolless)},
		"began": {strconv.FormatInt(s.Began.UnixNano(), 10)}, "nonce": {rand.Text()},
	}.Encode())
	return sessionPrefix + base64.RawURLEncoding.EncodeToString(append(tag(key, "session", h, body), body...))
}

// OpenSession reads an id that the holder brings back, and is false for one that
// was not made here for it. Whether the session still is, it does not know.
func OpenSession(key []byte, h Holder, id string) (Session, bool) {
	text, ours := strings.CutPrefix(id, sessionPrefix)
	if !ours || len(id) > mostID {
		return Session{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < sha256.Size || !hmac.Equal(raw[:sha256.Size], tag(key, "session", h, raw[sha256.Size:])) {
		return Session{}, false
	}
	v, err := url.ParseQuery(string(raw[sha256.Size:]))
	began, bad := strconv.ParseInt(v.Get("began"), 10, 64)
	if err != nil || bad != nil {
		return Session{}, false
	}
	return Session{Client: v.Get("client"), Version: v.Get("version"), Toolless: v.Get("toolless") == "true", Began: time.Unix(0, began)}, true
}
