package rest

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/problem"
)

// serve finds out who calls, refuses whom the route is not for, and tells what
// fails as a problem.
func (d *Door) serve(rt Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := d.Now()
		sent := &answer{ResponseWriter: w}
		sent.Header().Set("Cache-Control", "no-store")
		sent.Header().Set("X-Content-Type-Options", "nosniff")
		c, err := d.admit(rt, r)
		if err == nil {
			err = rt.handle(sent, r, c)
		}
		code := countersign.Code("")
		if errors.Is(err, ErrGone) || err != nil && r.Context().Err() != nil {
			code, err = "gone", nil
		}
		if err != nil {
			code = countersign.CodeOf(err)
			if sent.status == 0 {
				problem.Write(sent, err, about(err, r))
			}
		}
		attrs := []any{"method", r.Method, "route", rt.Path, "status", sent.status, "took", d.Now().Sub(start)}
		attrs = appendNotEmpty(attrs, "caller", c.Principal.ID)
		attrs = appendNotEmpty(attrs, "peer", r.RemoteAddr)
		attrs = appendNotEmpty(attrs, "id", r.PathValue("id"))
		attrs = appendNotEmpty(attrs, "code", string(code))
		if code == countersign.CodeInternal || code == countersign.CodeUnavailable {
			d.Log.Error("http", append(attrs, "err", err)...)
			return
		}
		d.Log.Info("http", attrs...)
	})
}

// admit returns who calls, or why they may not.
func (d *Door) admit(rt Route, r *http.Request) (Caller, error) {
	if err := knownQuery(r, rt.Query); err != nil {
		return Caller{}, err
	}
	if len(rt.May) == 0 {
		return Caller{}, d.sameOrigin(r) // else another site's page could sign somebody in as another
	}
	c, err := d.Identify(r)
	if err != nil {
		return Caller{}, err
	}
	if !slices.Contains(rt.May, c.Kind) {
		return c, &countersign.Error{
			Code: countersign.CodeForbidden, Detail: "this is not for an " + string(c.Kind) + " to use",
			Hint: "it is for: " + words(rt.May),
		}
	}
	return c, nil
}

// about is the id of the request that the error is about. Of a request that is
// not found, nothing is said.
func about(err error, r *http.Request) countersign.RequestID {
	if !strings.HasPrefix(r.URL.Path, "/v1/requests/") {
		return ""
	}
	switch countersign.CodeOf(err) {
	case countersign.CodeNotFound, countersign.CodeUnauthenticated:
		return ""
	}
	return countersign.RequestID(r.PathValue("id"))
}

func words(kinds []countersign.PrincipalKind) string {
	var list []string
	for _, k := range kinds {
		list = append(list, string(k))
	}
	return strings.Join(list, ", ")
}

func appendNotEmpty(attrs []any, key, value string) []any {
	if value == "" {
		return attrs
	}
	return append(attrs, key, value)
}

// answer remembers the status that was sent, 0 before any.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
