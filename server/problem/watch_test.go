package problem_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/problem"
)

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestWhoWatchesHearsOfEveryProblem(t *testing.T) {
	var told []countersign.Code
	h := problem.Watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/denied":
			problem.Write(wrapped{wrapped{w}}, &countersign.Error{Code: countersign.CodeDenied}, "")
		case "/method":
			problem.WriteMethod(w, []string{"GET"})
		}
	}), func(c countersign.Code) { told = append(told, c) })
	for _, path := range []string{"/denied", "/fine", "/method"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, nil))
	}
	if want := []countersign.Code{countersign.CodeDenied, countersign.CodeBadRequest}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}
