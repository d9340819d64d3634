package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/config"
)

func TestThePatienceOfClientsIsRead(t *testing.T) {
	c, err := config.Parse("c.yaml", "/etc", []byte("clients:\n  claude-code: {silent: 280s, progress: 4h}\n  acme/2.1: {silent: 20s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Clients["claude-code"]; got != (config.Patience{Silent: 280 * time.Second, Progress: 4 * time.Hour}) {
		t.Errorf("got %+v", got)
	}
	if got := c.Clients["acme/2.1"]; got != (config.Patience{Silent: 20 * time.Second}) {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"soon", "10ms", "48h"} {
		_, err := config.Parse("c.yaml", "/etc", []byte("clients:\n  x: {silent: "+bad+"}\n"))
		if err == nil || !strings.Contains(err.Error(), "c.yaml:2: silent: want a time from 1s to 24h") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}
