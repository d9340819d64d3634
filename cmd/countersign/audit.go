package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/store/sqlite"
	"github.com/spf13/cobra"
)

func newAudit(a *at) *cobra.Command {
	var key string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "audit [--data DIR] [--key FILE]", Short: "Prove from the record alone that nothing slipped through",
		Long: `Reads the whole record, of the running server or of a data folder that no server
uses, and re-derives that for every request what ran was on record, decided by those
who had to, unchanged, and at most once. It shares no code with what it audits.

Exits with 0 if that holds and with 9, and the first violation, if it does not.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.audit(cmd.Context(), key, asJSON) },
	}
	cmd.Flags().StringVar(&key, "key", "", "the log's verifier key: a file, or its text (default log.vkey in the data folder)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (a *at) audit(ctx context.Context, key string, asJSON bool) error {
	data, err := a.data()
	if err != nil {
		return err
	}
	if key == "" {
		key = filepath.Join(data, vkeyFile)
	}
	trust, err := readTrust(key)
	if err != nil {
		return err
	}
	source, done, err := a.source(ctx, data)
	if err != nil {
		return err
	}
	defer done()
	source.Trust = trust
	report, err := audit.Run(ctx, source)
	if err != nil {
		if f, ok := errors.AsType[*failure](err); ok {
			return f // it could not be read, which says nothing about it
		}
		return &failure{exitTampered, err.Error(), "compare with a backup, a receipt or another copy of the checkpoint"}
	}
	if asJSON {
		err = a.t.json(auditJSON(report))
	} else {
		a.t.audited(report)
	}
	if err == nil && !report.Holds() {
		return exit(exitTampered)
	}
	return err
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
// opened is not judged; it writes no pin.
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
	c.Keys = config.Keys{Log: filepath.Join(dir, "log.key"), Vault: filepath.Join(dir, "vault.key")}
	return c, nil
}

// openRecord opens the database of a server that does not run.
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
	return sqlite.Open(ctx, path, sqlite.Config{Origin: k.origin, Signer: k.signer, Keys: trust.Keys, VaultKey: k.vault})
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

func (t *terminal) audited(r audit.Report) {
	t.print("log        %s  size %s  root %x", oneLine(r.Origin), grouped(r.Size), r.Root[:4])
	t.print("requests   %s, %s released", grouped(int64(r.Requests)), grouped(int64(r.Released)))
	if len(r.Running) > 0 {
		t.print("running    %s", idList(r.Running))
	}
	if len(r.Unknown) > 0 {
		t.print("unknown    %s; countersign resolve records what really happened", idList(r.Unknown))
	}
	if r.Sealed > 0 {
		t.print("sealed     %s could not be opened, and so not judged", count(r.Sealed, "event"))
	}
	t.print("")
	if r.Holds() {
		t.print("%s      what ran was decided by those who had to, unchanged, and at most once", t.paint(green, "holds"))
		return
	}
	t.print("%s  %s", t.paint(red, "DOES NOT HOLD"), count(len(r.Violations), "violation"))
	for i, v := range r.Violations {
		if i == 20 {
			t.print("  and %s more", grouped(int64(len(r.Violations)-i)))
			break
		}
		t.print("  %s", oneLine(v.String()))
	}
}

func idList(ids []countersign.RequestID) string {
	const most = 5
	var texts []string
	for _, id := range ids[:min(most, len(ids))] {
		texts = append(texts, oneLine(string(id)))
	}
	says := fmt.Sprintf("%s: %s", grouped(int64(len(ids))), strings.Join(texts, ", "))
	if len(ids) > most {
		says += ", …"
	}
	return says
}

// audited is a report as --json prints it.
type audited struct {
	Holds      bool                    `json:"holds"`
	Origin     string                  `json:"origin"`
	Size       int64                   `json:"size,string"`
	Root       string                  `json:"root"`
	Requests   int                     `json:"requests"`
	Released   int                     `json:"released"`
	Running    []countersign.RequestID `json:"running"`
	Unknown    []countersign.RequestID `json:"unknown"`
	Sealed     int                     `json:"sealed"`
	Violations []auditViolation        `json:"violations"`
}

type auditViolation struct {
	Leaf    int64                 `json:"leaf,string"`
	Request countersign.RequestID `json:"request,omitempty"`
	Says    string                `json:"says"`
}

func auditJSON(r audit.Report) audited {
	out := audited{
		Holds: r.Holds(), Origin: r.Origin, Size: r.Size, Root: fmt.Sprintf("%x", r.Root[:]), Requests: r.Requests, Released: r.Released,
		Running: append([]countersign.RequestID{}, r.Running...), Unknown: append([]countersign.RequestID{}, r.Unknown...),
		Sealed: r.Sealed, Violations: []auditViolation{},
	}
	for _, v := range r.Violations {
		out.Violations = append(out.Violations, auditViolation{v.Leaf, v.Request, v.Says})
	}
	return out
}
