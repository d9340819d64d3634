package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
)

func TestT23TheServersLogTakesSecretsOut(t *testing.T) {
	s := newSite(t)
	s.start("prod", func(srv *server, _ *countersign.Directory) {
		srv.log.Error("login failed", "err", errors.New("postgres://app:hunter2@db/crm: no route"))
	})
	if got := s.log.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "postgres://app:[password, 7 characters]@db") {
		t.Errorf("got the log %q, want the address without its password", got)
	}
}
