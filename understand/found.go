package understand

import (
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// Found returns the catalogue's indicator as found in one request: evidence in a
// few words, where in the command (empty for the whole), by which source, how
// surely. An id that the catalogue does not have is a mistake in the code.
func Found(id, evidence, where, source string, certainty countersign.Certainty) countersign.Indicator {
	ind, ok := FindIndicator(id)
	if !ok {
		panic(fmt.Sprintf("understand: %q is not in the catalogue of indicators", id))
	}
	return countersign.Indicator{
		ID: id, Severity: ind.Severity, Evidence: evidence, Where: where, Source: source, Certainty: certainty,
	}
}

// Mutates reports whether one of the verbs may change something. What is not in
// the catalogue may.
func Mutates(verbs []string) bool {
	return len(verbs) == 0 || slices.ContainsFunc(verbs, func(id string) bool {
		v, ok := FindVerb(id)
		return !ok || v.Mutates
	})
}
