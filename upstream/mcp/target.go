package mcp

import (
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// Target is the digest of what would be run: the command and its arguments, the
// folder, the user, and the names in the environment; or the address, the names of
// the header fields, and which client asks whom for tokens. The values of variables and fields are not in it,
// since some are secrets that change and could be guessed from a digest.
func Target(c Config) (countersign.Digest, error) {
	if c.Target != (countersign.Digest{}) {
		return c.Target, nil
	}
	var b []byte
	var err error
	if c.URL != "" {
		b, err = canon.Marshal(struct {
			Kind   string   `json:"kind"`
			URL    string   `json:"url"`
			Header []string `json:"header"`
			OAuth  []string `json:"oauth,omitempty"`
		}{"mcp.http", c.URL, slices.Sorted(maps.Keys(c.Header)), client(c)})
	} else {
		b, err = canon.Marshal(struct {
			Kind    string   `json:"kind"`
			Command []string `json:"command"`
			Dir     string   `json:"dir"`
			User    string   `json:"user"`
			Unsafe  bool     `json:"unsafe_same_user"`
			Env     []string `json:"env"`
		}{"mcp.stdio", c.Command, c.Dir, c.User, c.UnsafeSameUser, slices.Sorted(maps.Keys(c.Env))})
	}
	if err != nil {
		return countersign.Digest{}, err
	}
	return sha256.Sum256(append([]byte("countersign/target/v1\n"), b...)), nil
}

// client is which client of which server gets the tokens that requests carry, and
// for what.
func client(c Config) []string {
	if c.OAuth == nil {
		return nil
	}
	o := c.OAuth
	return append([]string{o.Issuer, o.TokenURL, o.ClientID, o.Resource}, o.Scopes...)
}
