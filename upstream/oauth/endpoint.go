package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/countersignhq/countersign/upstream/dial"
	"golang.org/x/oauth2"
)

// maxMetadata is how many bytes the metadata of a server may have.
const maxMetadata = 1 << 20

// endpoint is where tokens are asked for, and how the secret goes there.
func (s *Source) endpoint(ctx context.Context) (oauth2.Endpoint, error) {
	if s.cfg.TokenURL != "" {
		return oauth2.Endpoint{TokenURL: s.cfg.TokenURL, AuthStyle: oauth2.AuthStyleInHeader}, nil
	}
	u, err := dial.Secure(s.cfg.Issuer)
	if err != nil {
		return oauth2.Endpoint{}, err
	}
	inserted := *u
	inserted.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
	var errs []error
	for _, at := range []string{inserted.String(), u.JoinPath(".well-known", "openid-configuration").String()} {
		e, err := s.described(ctx, at)
		if err == nil {
			return e, nil
		}
		errs = append(errs, err)
	}
	return oauth2.Endpoint{}, fmt.Errorf("its metadata does not say where tokens are asked for; write token_url in place of issuer: %w", errors.Join(errs...))
}

// described reads the metadata at the address (RFC 8414, section 3).
func (s *Source) described(ctx context.Context, at string) (oauth2.Endpoint, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return oauth2.Endpoint{}, err
	}
	w, err := s.http.Do(r)
	if err != nil {
		return oauth2.Endpoint{}, err
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return oauth2.Endpoint{}, fmt.Errorf("%s answered %s", at, w.Status)
	}
	var said struct {
		Issuer  string   `json:"issuer"`
		Token   string   `json:"token_endpoint"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := json.NewDecoder(io.LimitReader(w.Body, maxMetadata)).Decode(&said); err != nil {
		return oauth2.Endpoint{}, fmt.Errorf("%s: %w", at, err)
	}
	own, err := dial.Secure(s.cfg.Issuer)
	if err != nil {
		return oauth2.Endpoint{}, err
	}
	u, err := dial.Secure(said.Token)
	switch {
	case said.Issuer != s.cfg.Issuer:
		return oauth2.Endpoint{}, fmt.Errorf("%s says that it is another issuer", at)
	case err != nil:
		return oauth2.Endpoint{}, fmt.Errorf("token_endpoint in %s: %w", at, err)
	case u.Scheme != own.Scheme || u.Host != own.Host: // the credential goes where the configuration says
		return oauth2.Endpoint{}, fmt.Errorf("%s names a token_endpoint on another origin, %s", at, u.Host)
	}
	e := oauth2.Endpoint{TokenURL: said.Token, AuthStyle: oauth2.AuthStyleInHeader}
	if len(said.Methods) > 0 && !slices.Contains(said.Methods, "client_secret_basic") {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	return e, nil
}
