package mcp

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/session"
)

func TestAnAgentOverItsLimitIsToldWhenToAskAgain(t *testing.T) {
	var told []countersign.Code
	d := &door{cfg: Config{Refused: func(c countersign.Code) { told = append(told, c) }}}
	limited := &countersign.Error{Code: countersign.CodeRateLimited, Detail: "bot asks more than 6 times a minute", RetryAfterSeconds: 12}

	var answer struct {
		Result struct {
			Content []textContent   `json:"content"`
			Meta    map[string]note `json:"_meta"`
		} `json:"result"`
	}
	b := tell([]byte("1"), "tools/call", false, d.fault(&call{session: &session.Session{}}, limited))
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatal(err)
	}
	if n := answer.Result.Meta["countersign/refused"]; n.Code != countersign.CodeRateLimited || n.RetryAfter != 12 {
		t.Errorf("a program reads %+v, want rate_limited and 12 seconds", n)
	}
	if text := answer.Result.Content[0].Text; !strings.Contains(text, "retry_after_s: 12") {
		t.Errorf("a model reads %q, want the 12 seconds", text)
	}
	w := httptest.NewRecorder()
	p := newReply(w, httptest.NewRequest("POST", "/mcp/files", nil))
	p.refused = d.cfg.Refused
	p.problem(429, limited)
	if got := w.Header().Get("Retry-After"); got != "12" {
		t.Errorf("Retry-After is %q, want 12", got)
	}
	if want := []countersign.Code{countersign.CodeRateLimited, countersign.CodeRateLimited}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}
