package main

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"path/filepath"
	"time"

	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/store/sqlite"
	"github.com/spf13/cobra"
)

func newAudit(a *at) *cobra.Command {
	var ask auditing
	var since string
	cmd := &cobra.Command{
		Use: "audit [--data DIR|URL] [--key FILE] [--since TIME|DURATION]", Short: "Prove from the record alone that nothing slipped through",
		Long: `Reads the whole record, of the running server or of a data folder that no server
uses, and re-derives that for every request what ran was on record, decided by those
who had to, unchanged, and at most once. It shares no code with what it audits.

Of a server elsewhere, --data http://… or COUNTERSIGN_URL, it reads the log that is
served and needs --key. The tiles are for anybody; the entries are for the group
auditors and for the tokens of agents that it owns (COUNTERSIGN_TOKEN). Nothing that
is sealed is served, so less can be checked, and what was not is said.

--since judges only the requests that something happened to at that time or after;
the tree is checked from its first leaf all the same.

Exits with 0 if nothing was found, with 9, and the first violation, if something was,
and with 1 if what should be open could not be opened.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if ask.since, err = timeOf(since, time.Now()); err != nil {
				return err
			}
			if url := a.served(); url != "" {
				return a.auditServed(cmd.Context(), url, ask)
			}
			return a.audit(cmd.Context(), ask)
		},
	}
	cmd.Flags().StringVar(&ask.key, "key", "", "the log's verifier key: a file, or its text (default log.vkey in the data folder)")
	cmd.Flags().StringVar(&since, "since", "", "judge requests from this time on: 24h, 2026-11-22 or 2026-11-22T09:00:00Z")
	cmd.Flags().BoolVar(&ask.json, "json", false, "print one JSON object")
	return cmd
}

// auditing is what an audit was asked for.
type auditing struct {
	key   string
	since time.Time
	json  bool
}

// timeOf reads a time, a day of UTC, or how long ago; empty is the zero time.
func timeOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, failed("give 24h, 2026-11-22 or 2026-11-22T09:00:00Z", "--since %s is no time", oneLine(text))
}

func (a *at) audit(ctx context.Context, ask auditing) error {
	data, err := a.data()
	if err != nil {
		return err
	}
	if ask.key == "" {
		ask.key = filepath.Join(data, vkeyFile)
	}
	trust, err := readTrust(ask.key)
	if err != nil {
		return err
	}
	source, done, err := a.source(ctx, data)
	if err != nil {
		return err
	}
	source.Trust, source.Since = trust, ask.since
	report, err := audit.Run(ctx, source)
	if ended := done(); ended != nil {
		return failed("", "the record cannot be read: %v", ended)
	}
	if err != nil {
		return notTheLog(err)
	}
	return a.t.audited(audited{Report: report, scope: wholeRecord, since: ask.since}, ask.json)
}

// notTheLog is what an audit that could not go on ends with.
func notTheLog(err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return f // it could not be read, which says nothing about it
	}
	if errors.Is(err, errNoAuditor) {
		return failed("the tiles of a log are for anybody; look at what stands before the server", "the server does not give the tiles of its log")
	}
	return &failure{exitTampered, err.Error(), "compare with a backup, a receipt or another copy of the checkpoint"}
}

// source is the record of the running server, or of a folder that none uses.
func (a *at) source(ctx context.Context, data string) (audit.Source, func() error, error) {
	if owns(ctx, data) {
		return a.running(ctx)
	}
	return a.offline(ctx, data)
}

func (a *at) running(ctx context.Context) (audit.Source, func() error, error) {
	resp, err := a.do(ctx, http.MethodGet, "/v1/record", nil)
	if err != nil {
		return audit.Source{}, nil, err
	}
	checkpoint, entries, err := admin.ReadRecord(resp.Body)
	if err != nil {
		return audit.Source{}, nil, errors.Join(err, resp.Body.Close())
	}
	return sourceOf(checkpoint, entries), resp.Body.Close, nil
}

// offline opens the database of a folder. It needs the keys, since what is not
// opened is not judged; it reads the pin and does not move it.
func (a *at) offline(ctx context.Context, data string) (audit.Source, func() error, error) {
	cfg, err := a.folderConfig(data)
	if err != nil {
		return audit.Source{}, nil, err
	}
	db, err := openRecord(ctx, cfg)
	if err != nil {
		return audit.Source{}, nil, err
	}
	head, err := db.Head(ctx)
	if err != nil {
		return audit.Source{}, nil, errors.Join(err, db.Close())
	}
	return sourceOf(head.Note, admin.Entries(ctx, db, head.Size)), db.Close, nil
}

// folderConfig is the configuration if there is one, for the keys may lie
// elsewhere, or the defaults for the folder.
func (a *at) folderConfig(data string) (config.Config, error) {
	if a.dataFolder == "" {
		if c, err := loadConfig(a.file()); err == nil {
			return c, nil
		}
	}
	dir, err := filepath.Abs(data)
	if err != nil {
		return config.Config{}, err
	}
	c := config.Defaults(filepath.Dir(dir))
	c.Data = dir
	c.Keys = config.Keys{Log: filepath.Join(dir, "log.key"), Vault: filepath.Join(dir, "vault.key"), Pin: filepath.Join(dir, "log.pin")}
	return c, nil
}

// openRecord opens the database of a server that does not run, to read it.
func openRecord(ctx context.Context, cfg config.Config) (*sqlite.Store, error) {
	path := filepath.Join(cfg.Data, databaseFile)
	if !exists(path) {
		return nil, failed("countersign up makes it; --data or --config names another folder", "there is no record in %s", cfg.Data)
	}
	k, err := readKeys(cfg.Keys)
	if err != nil {
		return nil, err
	}
	trust, err := k.trust()
	if err != nil {
		return nil, err
	}
	db, err := sqlite.OpenReadOnly(ctx, path, sqlite.Config{Origin: k.origin, Signer: k.signer, Keys: trust.Keys, VaultKey: k.vault, Pin: cfg.Keys.Pin})
	if _, ok := errors.AsType[*sqlite.PinError](err); ok {
		return nil, &failure{exitTampered, err.Error(), "what it lacks was on record once; compare it with receipts, and with checkpoints that others keep"}
	}
	return db, err
}

// sourceOf marks what goes wrong with reading, so that it is not taken for what
// is wrong with the record.
func sourceOf(checkpoint []byte, entries iter.Seq2[ledger.Entry, error]) audit.Source {
	return audit.Source{Checkpoint: checkpoint, Entries: func(context.Context) iter.Seq2[ledger.Entry, error] {
		return func(yield func(ledger.Entry, error) bool) {
			for e, err := range entries {
				if err != nil {
					err = failed("try again", "the record cannot be read: %v", err)
				}
				if !yield(e, err) {
					return
				}
			}
		}
	}}
}
