package main

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
)

// keys are what a server signs and seals with.
type keys struct {
	// origin names the log. It is the name of the log key, so the two cannot part.
	origin string
	signer note.Signer
	// vkey verifies what signer signs, in the text form of the note package.
	vkey  string
	vault [32]byte
	// made is true when this start made them.
	made bool
}

// trust is what verifies the log by its own key.
func (k keys) trust() (ledger.Trust, error) {
	v, err := ledger.NewVerifier(k.vkey)
	if err != nil {
		return ledger.Trust{}, err
	}
	return ledger.Trust{Origin: k.origin, Keys: note.VerifierList(v)}, nil
}

// openKeys reads the keys, or makes them at the first start of all. Keys are
// never made for a database that is there already: it would be lost to them.
func openKeys(cfg config.Config, host string) (keys, error) {
	logThere, vaultThere := exists(cfg.Keys.Log), exists(cfg.Keys.Vault)
	database := filepath.Join(cfg.Data, databaseFile)
	made := false
	switch {
	case logThere && vaultThere:
	case exists(database):
		missing := cfg.Keys.Log
		if logThere {
			missing = cfg.Keys.Vault
		}
		return keys{}, failed("put the key back: without it the record cannot be read or continued", "%s is there and its key %s is not", database, missing)
	case logThere || vaultThere:
		return keys{}, failed("give both, or neither at the first start", "one of the keys %s and %s is there and the other is not", cfg.Keys.Log, cfg.Keys.Vault)
	default:
		if err := makeKeys(cfg.Keys, host); err != nil {
			return keys{}, err
		}
		made = true
	}
	k, err := readKeys(cfg.Keys)
	k.made = made
	return k, err
}

// makeKeys draws the keys. The origin is the public host and random letters: a
// log that is begun anew is never taken for the old one.
func makeKeys(at config.Keys, host string) error {
	_, id, _ := strings.Cut(countersign.NewID("log"), "_")
	private, _, err := ledger.NewKey(host + "/" + id)
	if err != nil {
		return err
	}
	if err := writeSecret(at.Log, private+"\n"); err != nil {
		return err
	}
	var vault [32]byte
	rand.Read(vault[:])
	return writeSecret(at.Vault, hex.EncodeToString(vault[:])+"\n")
}

func readKeys(at config.Keys) (keys, error) {
	var k keys
	private, err := readSecret(at.Log)
	if err != nil {
		return k, err
	}
	if k.signer, err = ledger.NewSigner(private); err != nil {
		return k, failed("put back the file that countersign up made", "%s is not a log key", at.Log)
	}
	k.origin = k.signer.Name()
	if k.vkey, err = vkeyOf(private); err != nil {
		return k, failed("", "%s: %v", at.Log, err)
	}
	vault, err := readSecret(at.Vault)
	if err != nil {
		return k, err
	}
	raw, err := hex.DecodeString(vault)
	if err != nil || len(raw) != len(k.vault) {
		return k, failed("put back the file that countersign up made", "%s is not a vault key: want 64 hex digits", at.Vault)
	}
	k.vault = [32]byte(raw)
	return k, nil
}

// vkeyOf is the verifier key of a private key. Its form is that of
// golang.org/x/mod/sumdb/note: PRIVATE+KEY+name+hash+base64(algorithm, seed).
func vkeyOf(private string) (string, error) {
	parts := strings.SplitN(private, "+", 5)
	if len(parts) != 5 {
		return "", errors.New("it is no private key")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errors.New("it holds no Ed25519 seed")
	}
	public, ok := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("it holds no Ed25519 seed")
	}
	return note.NewEd25519VerifierKey(parts[2], public)
}

// writeVKey keeps the verifier key beside the database, for whoever verifies.
func writeVKey(data, vkey string) error {
	path := filepath.Join(data, vkeyFile)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.WriteFile(path, []byte(vkey+"\n"), 0o644)
	case err != nil:
		return err
	case strings.TrimSpace(string(b)) != vkey:
		return failed("one of the two is not this server's; find out which", "%s is not the verifier key of the log key", path)
	}
	return nil
}

// writeSecret makes a file that nobody else reads, and never overwrites one.
func writeSecret(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the key: %w", err)
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// readSecret reads a key file, and refuses one that others can read too.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("the key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", failed("chmod 600 "+path+", and think of who may have read it", "the key %s is open to other users (%s)", path, mode)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the key: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// derive is a key for one purpose, from that of the vault: the same after each
// start and on each replica (RFC 5869).
func (k keys) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.vault[:], nil, "countersign/"+purpose+"/v1", sha256.Size)
	if err != nil {
		panic(err) // only for a length that no hash can give
	}
	return key
}
