package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/problem"
)

func TestEveryCodeHasAStatusOfItsOwnChoosing(t *testing.T) {
	want := map[int][]countersign.Code{
		400: {countersign.CodeBadRequest},
		401: {countersign.CodeUnauthenticated},
		403: {countersign.CodeForbidden, countersign.CodeDenied, countersign.CodeRejected, countersign.CodeSelfApproval, countersign.CodeNotAReviewer, countersign.CodeAssuranceTooLow},
		404: {countersign.CodeNotFound},
		409: {
			countersign.CodeExpired, countersign.CodeLapsed, countersign.CodeWithdrawn, countersign.CodePending, countersign.CodeFailed, countersign.CodeUnknownOutcome,
			countersign.CodeAlreadySettled, countersign.CodeAlreadyDecided, countersign.CodeViewChanged, countersign.CodeCannotApprove, countersign.CodeConflict,
		},
		413: {countersign.CodeTooLarge},
		422: {countersign.CodeDigestMismatch, countersign.CodeReasonRequired, countersign.CodeUnknownGroup, countersign.CodeUnknownResource},
		500: {countersign.CodeInternal, "a code of another version"},
		503: {countersign.CodeUnavailable, countersign.CodeUnsafeSameUser},
	}
	for status, codes := range want {
		for _, code := range codes {
			if got := problem.Status(code); got != status {
				t.Errorf("%s: got %d, want %d", code, got, status)
			}
		}
	}
}

func TestAProblemSaysWhatTheErrorSaysAndNoMore(t *testing.T) {
	refusal := &countersign.Error{Code: countersign.CodeDenied, Detail: "req_1 was denied", Hint: "ask another way", Rule: "no-export"}
	for _, tt := range []struct {
		err  error
		want client.Problem
	}{
		{refusal, client.Problem{Type: "about:blank", Title: "Forbidden", Status: 403, Detail: "req_1 was denied", Hint: "ask another way", Rule: "no-export", Code: "denied", Request: "req_1"}},
		{fmt.Errorf("wrapped with a secret: %w", refusal), client.Problem{Type: "about:blank", Title: "Forbidden", Status: 403, Detail: "req_1 was denied", Hint: "ask another way", Rule: "no-export", Code: "denied", Request: "req_1"}},
		{errors.New("dsn postgres://app:secret@db"), client.Problem{Type: "about:blank", Title: "Internal Server Error", Status: 500, Detail: "something failed in the server", Hint: "its log says what; ask the operator", Code: "internal", Request: "req_1"}},
	} {
		w := httptest.NewRecorder()
		problem.Write(w, tt.err, "req_1")
		var got client.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != tt.want || w.Code != tt.want.Status {
			t.Errorf("%v: got %d %+v, %v; want %+v", tt.err, w.Code, got, err, tt.want)
		}
		if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("Content-Type is %q", kind)
		}
	}
}
