package workload

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/upstream/dial"
	"github.com/go-jose/go-jose/v4"
)

const (
	// ripe is how old keys are when it is looked again, beside the tokens that they
	// verify meanwhile.
	ripe = 10 * time.Minute
	// fresh is how long keys are taken without waiting for that look, so that one that
	// the issuer has withdrawn does not count for longer.
	fresh = 15 * time.Minute
	// courtesy is how long the token of a key that is no longer fresh waits for the
	// look. An issuer that does not answer in time is as one that cannot be asked.
	courtesy = time.Second
	// stale is how long they count while the issuer cannot be asked.
	stale = time.Hour
	// pause is the time between two looks: tokens with made-up keys cost the issuer
	// no more than that.
	pause = 10 * time.Second
	// patience is how long one look may take, all that it asks for together.
	patience = 5 * time.Second
	maxKeys  = 1 << 20 // bytes of a document of the issuer
	minRSA   = 2048    // bits of a key
)

// keys are those of one issuer, as it last said.
type keys struct {
	issuer string
	at     string // the address of the set; empty asks the metadata
	http   *http.Client

	mu      sync.Mutex
	set     map[string][]jose.JSONWebKey // by kid
	read    time.Time
	tried   time.Time
	err     error         // of the last look that has ended
	looking chan struct{} // closed at the end of the look under way; nil if none is
}

// newKeys checks the addresses: without TLS only this machine can be asked.
func newKeys(in Issuer) (*keys, error) {
	host := ""
	for _, at := range []string{in.URL, in.Keys} {
		if at == "" {
			continue
		}
		u, err := dial.Secure(at)
		if err != nil {
			return nil, fmt.Errorf("issuer %s: %s: %w", short(in.URL), short(at), err)
		}
		host = u.Hostname()
	}
	return &keys{issuer: in.URL, at: in.Keys, http: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial.Dialer(host).DialContext, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: patience, MaxResponseHeaderBytes: 64 << 10,
		},
	}}, nil
}

// find returns the keys with the kid. It looks again where there is none, since
// the issuer may have a new one.
func (k *keys) find(ctx context.Context, kid string, now time.Time) ([]jose.JSONWebKey, error) {
	found, look, wait := k.has(kid, now)
	if wait > 0 {
		enough := time.NewTimer(wait)
		defer enough.Stop()
		select {
		case <-look:
		case <-enough.C:
		case <-ctx.Done():
		}
		found, _, _ = k.has(kid, now)
	}
	if len(found) > 0 {
		return found, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil || k.looking != nil || now.Sub(k.read) >= stale {
		return nil, &countersign.Error{Code: countersign.CodeUnavailable, Detail: fmt.Sprintf("the keys of %s cannot be read just now", k.issuer), Hint: "ask again in a moment; countersign doctor says why", RetryAfterSeconds: int(pause / time.Second)}
	}
	return nil, refused("ask the issuer for a new one", "the token is signed with key %s, which %s does not have", short(kid), k.issuer)
}

// has returns the keys with the kid, and for how long to wait for the look under
// way. It begins one where that is due. Nobody but who began it waits for the look
// after one that failed: an issuer that hangs keeps one token waiting at a time.
func (k *keys) has(kid string, now time.Time) (found []jose.JSONWebKey, look <-chan struct{}, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age, since := now.Sub(k.read), now.Sub(k.tried)
	if age < stale {
		found = k.set[kid]
	}
	known := len(found) > 0
	begins := k.looking == nil && (!known || age >= ripe) && (since >= pause || since < 0)
	if begins {
		k.tried, k.looking = now, make(chan struct{})
		go k.look(now)
	}
	switch {
	case k.looking == nil:
	case !known && (begins || k.err == nil):
		wait = patience + courtesy // the look ends by itself
	case known && age >= fresh && k.err == nil:
		wait = courtesy
	}
	return found, k.looking, wait
}

// look reads the issuer's keys. Who began it may go; others wait for the same.
func (k *keys) look(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	set, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
	if err == nil {
		k.set, k.read = set, now
	}
	close(k.looking)
	k.looking = nil
}

func (k *keys) fetch(ctx context.Context) (map[string][]jose.JSONWebKey, error) {
	at := k.at
	if at == "" {
		var err error
		if at, err = k.discover(ctx); err != nil {
			return nil, err
		}
	}
	var set jose.JSONWebKeySet
	if err := k.get(ctx, at, &set); err != nil {
		return nil, err
	}
	found := map[string][]jose.JSONWebKey{}
	for _, key := range set.Keys {
		weak := false
		if r, ok := key.Key.(*rsa.PublicKey); ok {
			weak = r.N.BitLen() < minRSA
		}
		if key.KeyID != "" && key.IsPublic() && key.Valid() && (key.Use == "" || key.Use == "sig") && !weak {
			found[key.KeyID] = append(found[key.KeyID], key)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no key with a kid that signs", at)
	}
	return found, nil
}

// discover asks the issuer where its keys are: OpenID Connect Discovery, section
// 4, then RFC 8414, section 3.
func (k *keys) discover(ctx context.Context) (string, error) {
	u, err := dial.Secure(k.issuer)
	if err != nil {
		return "", err
	}
	other := *u
	other.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
	var errs []error
	for _, at := range []string{u.JoinPath(".well-known", "openid-configuration").String(), other.String()} {
		var said struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		err := k.get(ctx, at, &said)
		if err == nil && said.Issuer != k.issuer {
			err = fmt.Errorf("%s says that it is the issuer %s", at, short(said.Issuer))
		}
		if err == nil {
			if _, err = dial.Secure(said.Keys); err != nil {
				err = fmt.Errorf("jwks_uri in %s: %w", at, err)
			}
		}
		if err == nil {
			return said.Keys, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

func (k *keys) get(ctx context.Context, at string, to any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	w, err := k.http.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", at, w.Status)
	}
	b, err := io.ReadAll(io.LimitReader(w.Body, maxKeys+1))
	if err == nil && len(b) > maxKeys {
		err = fmt.Errorf("%s is longer than %d bytes", at, maxKeys)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, to); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

// Check reads the issuer's keys, as a token of it would have it done.
func (v *Verifier) Check(ctx context.Context, issuer string) error {
	i, ok := v.issuers[issuer]
	if !ok {
		return fmt.Errorf("issuer %s is not configured", issuer)
	}
	_, err := i.keys.fetch(ctx)
	return err
}
