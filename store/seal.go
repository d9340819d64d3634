package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store/pack"
)

// A Sealer seals what does not lie in the open at rest, with AES-256-GCM. The
// vault key that it is made from lives outside the database and its backups.
//
// Blobs of the record are sealed under a key of their subject: of the request or
// entity for Command and Context, of whoever acted for Who. These keys are
// random and kept wrapped; to destroy one is to erase what it sealed, while the
// tree goes on verifying.
type Sealer struct {
	wrap  cipher.AEAD
	loose cipher.AEAD
	blind []byte
}

// NewSealer makes a Sealer from the vault key.
func NewSealer(vaultKey [32]byte) (*Sealer, error) {
	s := &Sealer{}
	var err error
	if s.wrap, err = derived(vaultKey, "wrap"); err != nil {
		return nil, err
	}
	if s.loose, err = derived(vaultKey, "loose"); err != nil {
		return nil, err
	}
	s.blind, err = derive(vaultKey, "blind")
	return s, err
}

func derived(vaultKey [32]byte, purpose string) (cipher.AEAD, error) {
	key, err := derive(vaultKey, purpose)
	if err != nil {
		return nil, err
	}
	return aead(key)
}

func derive(vaultKey [32]byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, vaultKey[:], nil, "countersign/vault/v1 "+purpose, 32)
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// A SubjectKey seals the blobs of one subject.
type SubjectKey struct {
	Subject string
	// Wrapped is the key as it is kept: sealed by the vault key.
	Wrapped []byte
	aead    cipher.AEAD
}

// NewKey draws a key for the subject.
func (s *Sealer) NewKey(subject string) (*SubjectKey, error) {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	a, err := aead(key[:])
	if err != nil {
		return nil, err
	}
	return &SubjectKey{Subject: subject, Wrapped: s.wrap.Seal(nil, nil, key[:], []byte(subject)), aead: a}, nil
}

// OpenKey unwraps the key of the subject. It fails if another vault key, or
// nobody, wrapped it for this subject.
func (s *Sealer) OpenKey(subject string, wrapped []byte) (*SubjectKey, error) {
	key, err := s.wrap.Open(nil, nil, wrapped, []byte(subject))
	if err != nil {
		return nil, fmt.Errorf("the vault key does not open the key of %s; is it the one this database was made with?", subject)
	}
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	return &SubjectKey{Subject: subject, Wrapped: wrapped, aead: a}, nil
}

// A Place is the one place that a sealed blob opens in.
type Place struct {
	Request countersign.RequestID
	Version uint64
	Slot    ledger.Slot
}

func (p Place) bytes() []byte {
	b := make([]byte, 0, len(p.Slot)+len(p.Request)+9)
	b = append(b, p.Slot...)
	b = append(b, '\n')
	b = append(b, p.Request...)
	return binary.BigEndian.AppendUint64(b, p.Version)
}

// Seal seals a blob, packed, with its salt.
func (k *SubjectKey) Seal(p Place, o ledger.Opening) []byte {
	plain := make([]byte, 0, len(o.Salt)+1+len(o.Value))
	plain = pack.Append(append(plain, o.Salt[:]...), o.Value)
	return k.aead.Seal(nil, nil, plain, p.bytes())
}

// Open opens what Seal sealed in the same place.
func (k *SubjectKey) Open(p Place, sealed []byte) (ledger.Opening, error) {
	plain, err := k.aead.Open(nil, nil, sealed, p.bytes())
	if err != nil || len(plain) < 32 {
		return ledger.Opening{}, fmt.Errorf("blob of version %d of %s does not open; it was changed or moved", p.Version, p.Request)
	}
	value, err := pack.Unpack(plain[32:])
	if err != nil {
		return ledger.Opening{}, fmt.Errorf("blob of version %d of %s: %w", p.Version, p.Request, err)
	}
	return ledger.Opening{Salt: [32]byte(plain), Value: value}, nil
}

// SealLoose seals a value of no subject, such as an ephemeral one, in a place
// that the name stands for.
func (s *Sealer) SealLoose(name string, value []byte) []byte {
	return s.loose.Seal(nil, nil, value, []byte(name))
}

// OpenLoose opens what SealLoose sealed under the same name.
func (s *Sealer) OpenLoose(name string, sealed []byte) ([]byte, error) {
	value, err := s.loose.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, errors.New("a sealed value does not open; it was changed, or the vault key is another")
	}
	return value, nil
}

// Blind returns what stands at rest for a value that is only ever looked up by
// equality and could be guessed, such as the digest of a command: HMAC-SHA-256
// under a key derived from the vault key, cut to 16 bytes.
func (s *Sealer) Blind(field, value string) []byte {
	mac := hmac.New(sha256.New, s.blind)
	mac.Write([]byte(field))
	mac.Write([]byte{'\n'})
	mac.Write([]byte(value))
	return mac.Sum(nil)[:16]
}
