package main

import (
	"cmp"

	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/upstream/oauth"
)

// oauthConfig is the client that the gateway is for the upstream, with its secret
// read; nil for one that wants no tokens.
func oauthConfig(cfg config.Config, r config.Resource, lookup func(string) (string, bool)) (*oauth.Config, error) {
	o := r.Upstream.OAuth
	if o == nil {
		return nil, nil
	}
	out := &oauth.Config{
		Issuer: o.Issuer, TokenURL: o.TokenURL, ClientID: o.ClientID, KeyID: o.KeyID,
		Scopes: o.Scopes, Resource: cmp.Or(o.Resource, r.Upstream.URL),
	}
	secret := func(what string, v config.Value) (string, error) {
		text, err := v.Resolve(lookup)
		if err != nil {
			return "", failed("set it before the server starts", "%s:%d: %s: oauth %s: %v", cfg.File, r.Line, r.Name, what, err)
		}
		return text, nil
	}
	var err error
	if o.PrivateKey.IsReference() {
		var key string
		key, err = secret("private_key", o.PrivateKey)
		out.PrivateKey = []byte(key)
	} else {
		out.ClientSecret, err = secret("client_secret", o.ClientSecret)
	}
	return out, err
}
