// Package session keeps browser sessions. A session's secret is in a cookie;
// only its hash is kept. Freshness is judged by when the person proved who they
// are, never by when the session was last used.
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

const (
	// Life is how long a session lasts.
	Life = 12 * time.Hour
	// Fresh is how long after its beginning a session has the assurance
	// "session": a decision later than that needs a new sign-in.
	Fresh = 15 * time.Minute

	cookieName = "countersign_session"
)

// A Session is one person signed in, in one browser.
type Session struct {
	Person   string    `json:"person"` // "per_…"
	AuthTime time.Time `json:"auth_time"`
	Method   string    `json:"method"` // "link", "passkey"
	// Credential is the id of the passkey that opened it.
	Credential string `json:"credential,omitempty"`
}

// Expires is when the session ends.
func (s Session) Expires() time.Time { return s.AuthTime.Add(Life) }

// Stands reports whether the session is still of somebody who is active, and the
// passkey that opened it has not been removed.
func (s Session) Stands(d *countersign.Directory) bool {
	p, ok := d.People[s.Person]
	if !ok || p.Inactive {
		return false
	}
	if s.Credential == "" {
		return true
	}
	c, ok := d.Credentials[s.Credential]
	return ok && !c.Removed && c.Person == s.Person
}

// Lends is the assurance that a decision has from the session alone. Once somebody
// has had a passkey that signs, it is none: nothing that a browser keeps approves in
// their name. Neither does a passkey that waits to be confirmed.
func (s Session) Lends(d *countersign.Directory, now time.Time) countersign.Assurance {
	if Signs(d, s.Person) || s.Credential != "" {
		return ""
	}
	return s.Assurance(now)
}

// Signs reports whether the person has a passkey that signs, or had: then nothing
// less approves in their name, whoever removed it.
func Signs(d *countersign.Directory, person string) bool {
	for _, c := range d.Credentials {
		if c.Person == person && !c.Pending {
			return true
		}
	}
	return false
}

// Pending reports whether the passkey that opened the session waits to be
// confirmed: nobody has said yet that it is the person's, so it reads and stops,
// and opens nothing.
func (s Session) Pending(d *countersign.Directory) bool { return d.Credentials[s.Credential].Pending }

// Assurance says how fresh the session is: session, or chat once its sign-in is
// older than Fresh.
func (s Session) Assurance(now time.Time) countersign.Assurance {
	if now.Sub(s.AuthTime) <= Fresh {
		return countersign.Session
	}
	return countersign.Chat
}

// Open keeps a new session and sets its cookie. A session that the browser had
// before is ended, so that none can be fixed on it.
func Open(ctx context.Context, kept store.Ephemeral, w http.ResponseWriter, r *http.Request, s Session) error {
	if err := End(ctx, kept, w, r); err != nil {
		return err
	}
	secret := rand.Text() + rand.Text()
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = kept.Put(ctx, store.Entry{Key: key(secret), Subject: s.Person, Value: value, Expires: s.Expires()})
	if err != nil {
		return fmt.Errorf("keep the session: %w", err)
	}
	http.SetCookie(w, cookie(r, secret, int(Life.Seconds())))
	return nil
}

// Find returns the session of the request's cookie; ok is false if there is none.
func Find(ctx context.Context, kept store.Ephemeral, r *http.Request) (s Session, ok bool, err error) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return s, false, nil
	}
	e, err := kept.Get(ctx, key(c.Value))
	if errors.Is(err, store.ErrNotFound) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	return s, true, json.Unmarshal(e.Value, &s)
}

// End ends the session of the request's cookie, if there is one.
func End(ctx context.Context, kept store.Ephemeral, w http.ResponseWriter, r *http.Request) error {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	http.SetCookie(w, cookie(r, "", -1))
	if _, err := kept.Take(ctx, key(c.Value)); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

func cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: overTLS(r), SameSite: http.SameSiteLaxMode,
	}
}

// overTLS reports whether the browser speaks TLS, to this server or to a proxy
// before it. Whoever forges the header only keeps their own cookie from themselves.
func overTLS(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

func key(secret string) string {
	sum := sha256.Sum256([]byte("countersign/session/v1\n" + secret))
	return "session:" + hex.EncodeToString(sum[:])
}
