// Package token makes and checks the bearer tokens of agents. New draws one,
// Authenticate finds whose it is. Only the hash of a token is ever kept.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// Prefix is what the text of a token begins with, so that secret scanners find
// it in a repository or a log.
const Prefix = "cs_agt_"

const (
	secretLen   = 43 // digits of base 62 for 256 bits
	checksumLen = 6  // digits of base 62 for 32 bits
	base62      = 62
)

// New draws a token of 256 bits. Its text is the prefix, 43 digits of base 62
// and six more, the CRC-32 (IEEE) of all before them, by which a scanner knows
// a token from a string that looks like one. Show the text once and keep the
// hash.
func New() (text string, hash countersign.Digest) {
	var secret [32]byte
	rand.Read(secret[:])
	body := Prefix + digits(new(big.Int).SetBytes(secret[:]), secretLen)
	text = body + checksum(body)
	return text, sha256.Sum256([]byte(text))
}

// Hash returns what a token is found by, SHA-256 of its text. A text that is no
// token, by its prefix, length or checksum, is refused before anybody looks
// anything up.
func Hash(text string) (countersign.Digest, error) {
	rest, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return countersign.Digest{}, refused("the credential is not an agent's token", "a token begins with "+Prefix)
	}
	if len(rest) != secretLen+checksumLen {
		return countersign.Digest{}, refused(fmt.Sprintf("the token has %d characters, not %d", len(text), len(Prefix)+secretLen+checksumLen), "copy it whole")
	}
	body, sum := text[:len(text)-checksumLen], text[len(text)-checksumLen:]
	if checksum(body) != sum {
		return countersign.Digest{}, refused("the token's checksum is wrong", "copy it again; a character is not what it was")
	}
	return sha256.Sum256([]byte(text)), nil
}

// Authenticate returns the active agent whose live token the text is. A token
// that is unknown, revoked or expired, or whose agent is inactive, is refused in
// the same words, so that the answer tells a thief nothing. The lookup is by
// hash: how long it takes says nothing of the tokens that exist, since nobody
// can choose a text for its hash.
func Authenticate(d *countersign.Directory, text string, now time.Time) (countersign.Agent, error) {
	hash, err := Hash(text)
	if err != nil {
		return countersign.Agent{}, err
	}
	agent, t, known := d.AgentByToken(hash)
	if !known || !t.Live(now) || agent.Inactive {
		return countersign.Agent{}, refused("the token opens nothing here", "ask the agent's owner for a new one")
	}
	return agent, nil
}

func refused(detail, hint string) error {
	return &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: detail, Hint: hint}
}

func checksum(body string) string {
	return digits(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), checksumLen)
}

func digits(n *big.Int, width int) string {
	s := n.Text(base62)
	return strings.Repeat("0", width-len(s)) + s
}
