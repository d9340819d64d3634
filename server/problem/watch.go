package problem

import (
	"net/http"

	"github.com/countersignhq/countersign"
)

// Watch has the func told of the code of every problem that the handler answers
// with.
func Watch(next http.Handler, tell func(countersign.Code)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&watched{w, tell}, r)
	})
}

type watched struct {
	http.ResponseWriter
	tell func(countersign.Code)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// told tells whoever watches, however the handler has wrapped the writer since.
func told(w http.ResponseWriter, code countersign.Code) {
	for {
		switch at := w.(type) {
		case *watched:
			at.tell(code)
			return
		case interface{ Unwrap() http.ResponseWriter }:
			w = at.Unwrap()
		default:
			return
		}
	}
}
