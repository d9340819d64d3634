package redact_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/internal/redact"
)

type login struct{ user string }

func (l login) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", l.user), slog.String("password", "hunter2"))
}

func TestT23NoSecretReachesTheLog(t *testing.T) {
	secret := errors.New("ALTER ROLE app PASSWORD 'hunter2': syntax error")
	for what, log := range map[string]func(*slog.Logger){
		"message":   func(l *slog.Logger) { l.Info("connect postgres://app:hunter2@db/crm") },
		"text":      func(l *slog.Logger) { l.Info("ran", "argv", "mysql -phunter2") },
		"key":       func(l *slog.Logger) { l.Info("ran", "api_key", "hunter2") },
		"number":    func(l *slog.Logger) { l.Info("ran", "password", 7734) },
		"error":     func(l *slog.Logger) { l.Error("failed", "err", fmt.Errorf("run: %w", secret)) },
		"bytes":     func(l *slog.Logger) { l.Info("sent", "params", []byte(`{"argv":["app","--password","hunter2"]}`)) },
		"any":       func(l *slog.Logger) { l.Info("sent", "args", map[string]string{"password": "hunter2"}) },
		"group":     func(l *slog.Logger) { l.Info("ran", slog.Group("db", slog.String("password", "hunter2"))) },
		"valuer":    func(l *slog.Logger) { l.Info("ran", "who", login{"bob"}) },
		"with":      func(l *slog.Logger) { l.With("token", "hunter2").WithGroup("g").Info("ran", "secret", "7734") },
		"line":      func(l *slog.Logger) { slog.NewLogLogger(l.Handler(), slog.LevelInfo).Print("password=hunter2") },
		"with text": func(l *slog.Logger) { l.With("url", "https://u:hunter2@h/").Info("ran") },
	} {
		var out bytes.Buffer
		log(slog.New(redact.NewHandler(slog.NewTextHandler(&out, nil))))
		if got := out.String(); strings.Contains(got, "hunter2") || strings.Contains(got, "7734") || !strings.Contains(got, "characters]") {
			t.Errorf("%s: got %q, want it without the secret", what, got)
		}
	}
}

func TestALogLineWithoutSecretsStaysAsItIs(t *testing.T) {
	line := func(wrap func(slog.Handler) slog.Handler) string {
		var out bytes.Buffer
		l := slog.New(wrap(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
		l.With("agent", "agt_1").WithGroup("g").Warn("passed", "bytes", 12, "took", time.Second, "ok", true, "err", errors.New("no route"))
		return out.String()
	}
	got := line(func(h slog.Handler) slog.Handler { return redact.NewHandler(h) })
	if want := line(func(h slog.Handler) slog.Handler { return h }); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if redact.NewHandler(slog.DiscardHandler).Enabled(context.Background(), slog.LevelError) {
		t.Error("got enabled, want what the next handler says")
	}
}
