// Package problem tells refusals over HTTP as problem documents (RFC 9457). The
// table in it is the only place that gives a status to a code.
package problem

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// Status returns the HTTP status of a code. No code that a client might try
// again by itself is given to what ran or may have run.
func Status(code countersign.Code) int {
	switch code {
	case countersign.CodeBadRequest:
		return http.StatusBadRequest
	case countersign.CodeUnauthenticated:
		return http.StatusUnauthorized
	case countersign.CodeForbidden, countersign.CodeDenied, countersign.CodeRejected,
		countersign.CodeSelfApproval, countersign.CodeNotAReviewer, countersign.CodeAssuranceTooLow,
		countersign.CodePasskeyInvalid:
		return http.StatusForbidden
	case countersign.CodeNotFound:
		return http.StatusNotFound
	case countersign.CodeExpired, countersign.CodeLapsed, countersign.CodeWithdrawn, countersign.CodePending,
		countersign.CodeFailed, countersign.CodeUnknownOutcome, countersign.CodeAlreadySettled,
		countersign.CodeAlreadyDecided, countersign.CodeViewChanged, countersign.CodeCannotApprove, countersign.CodeConflict:
		return http.StatusConflict
	case countersign.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case countersign.CodeDigestMismatch, countersign.CodeReasonRequired,
		countersign.CodeUnknownGroup, countersign.CodeUnknownResource:
		return http.StatusUnprocessableEntity
	case countersign.CodeRateLimited:
		return http.StatusTooManyRequests
	case countersign.CodeUnavailable, countersign.CodeUnsafeSameUser:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Of returns the problem that the error is. What an error says that is no
// countersign.Error stays here: it may hold anything.
func Of(err error) client.Problem {
	e, ok := errors.AsType[*countersign.Error](err)
	if !ok {
		e = &countersign.Error{Code: countersign.CodeInternal, Detail: "something failed in the server", Hint: "its log says what; ask the operator"}
	}
	status := Status(e.Code)
	return client.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Detail, Code: string(e.Code), Hint: e.Hint, Rule: e.Rule,
		RetryAfterSeconds: e.RetryAfterSeconds,
	}
}

// Write answers with the error's problem. request is the id of the request it
// is about, empty if there is none that the caller may know of.
func Write(w http.ResponseWriter, err error, request countersign.RequestID) {
	p := Of(err)
	p.Request = string(request)
	send(w, p)
}

// WriteMethod answers that the resource has only the methods.
func WriteMethod(w http.ResponseWriter, methods []string) {
	allow := strings.Join(methods, ", ")
	w.Header().Set("Allow", allow)
	send(w, client.Problem{
		Type: "about:blank", Title: http.StatusText(http.StatusMethodNotAllowed), Status: http.StatusMethodNotAllowed,
		Detail: "the method is not one of this address", Hint: "use " + allow, Code: string(countersign.CodeBadRequest),
	})
}

func send(w http.ResponseWriter, p client.Problem) {
	told(w, countersign.Code(p.Code))
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	}
	if p.RetryAfterSeconds > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfterSeconds))
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) // an error here is a caller who is gone
}
