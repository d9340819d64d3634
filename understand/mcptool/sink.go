package mcptool

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// sink finds where the data goes, by the argument that says so.
func (u *understanding) sink(argument string, params []byte, r countersign.Resource) {
	where := "arguments." + argument
	raw, ok := argumentAt(params, argument)
	if !ok || raw[0] != '"' {
		u.found("data.sink-unknown", "no text in "+argument, where, "catalogue", countersign.Known)
		u.leaves(&countersign.Destination{Certainty: countersign.Unknown}, where)
		return
	}
	u.goesTo(decoded(raw), where, r)
}

// argumentAt is the argument under a dotted path.
func argumentAt(params []byte, path string) ([]byte, bool) {
	return canon.Member(params, append([]string{"arguments"}, strings.Split(path, ".")...)...)
}

// goesTo notes that data would go to the address.
func (u *understanding) goesTo(address, where string, r countersign.Resource) {
	to := countersign.Destination{Address: clip(address), Certainty: countersign.Unknown}
	region, known := regionOf(address, u.sinks)
	switch {
	case !known:
		u.found("data.sink-unknown", address, where, "catalogue", countersign.Known)
	case !slices.Contains(r.Regions, region):
		u.found("data.leaves-region", fmt.Sprintf("to %s, %s", region, address), where, "catalogue", countersign.Known)
	}
	if known {
		to.Region, to.Certainty = region, countersign.Known
	}
	u.leaves(&to, where)
}

// leaves notes that data would leave to a place, nil for the answer. Of several
// none is named, or one could stand for the others: they are in a region that is
// known if all are in the same one.
func (u *understanding) leaves(to *countersign.Destination, where string) {
	before := u.facts.Sink
	switch {
	case !u.facts.Exports:
		u.facts.Exports, u.facts.Sink = true, to
	case before == nil && to == nil, before != nil && to != nil && *before == *to:
	case before != nil && to != nil && before.Certainty == countersign.Known && to.Certainty == countersign.Known && before.Region == to.Region:
		u.facts.Sink = &countersign.Destination{Region: to.Region, Certainty: countersign.Known}
	default:
		u.facts.Sink = &countersign.Destination{Certainty: countersign.Unknown}
		if before == nil || *before != *u.facts.Sink {
			u.found("data.sink-unknown", "several places", where, "catalogue", countersign.Known)
		}
	}
}

// regionOf returns the region of the sinks that match the address. Two that
// differ are as good as none.
func regionOf(address string, sinks []countersign.Sink) (region string, known bool) {
	a, ok := parseAddress(address)
	if !ok {
		return "", false
	}
	for _, s := range sinks {
		if !a.matches(s.Match) {
			continue
		}
		if known && s.Region != region {
			return "", false
		}
		region, known = s.Region, true
	}
	return region, known
}

// An address is where data would go, in the parts that patterns are matched
// with. A name without a scheme is a host, with a path a file.
type address struct {
	scheme string // lower case, empty for none
	host   string // lower case, with the port; a bucket
	rest   string // path, query and fragment
}

// parseAddress refuses what a reader and a program may take for two different
// places: user names before a host, backslashes, blanks, escapes, steps upwards.
func parseAddress(s string) (a address, ok bool) {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return a, false
	}
	if scheme, after, absolute := strings.Cut(s, "://"); absolute {
		if scheme == "" || strings.ContainsFunc(scheme, func(r rune) bool { return !isLetter(r) && !strings.ContainsRune("0123456789+-.", r) }) {
			return a, false
		}
		a.scheme, s = strings.ToLower(scheme), after
	}
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		s, a.rest = s[:end], s[end:]
	}
	a.host = strings.ToLower(s)
	_, port, _ := strings.Cut(a.host, ":")
	if strings.ContainsAny(a.host, "@%") || strings.Trim(port, "0123456789*") != "" {
		return a, false
	}
	lower := strings.ToLower(a.rest)
	return a, !slices.Contains(strings.Split(lower, "/"), "..") && !strings.Contains(lower, "%2e") && !strings.Contains(lower, "%2f")
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// matches says whether the address lies in the pattern: "s3://acme-eu-*",
// "*.example.com", "/mnt/eu/*". A star stands for anything within the part in
// which it stands, so that no path can pass for a host. A pattern without a path
// is for every path, and one without a scheme for every scheme.
func (a address) matches(pattern string) bool {
	p, ok := parseAddress(pattern)
	if !ok || p.scheme != "" && p.scheme != a.scheme {
		return false
	}
	name, _, _ := strings.Cut(a.host, ":")
	return (glob(p.host, a.host) || glob(p.host, name)) && (p.rest == "" || glob(p.rest, a.rest))
}

// glob reports whether s is the pattern with something, or nothing, in place of
// each star.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return s == pattern
	}
	if !strings.HasPrefix(s, first) || !strings.HasSuffix(s[len(first):], last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(s, part)
		if at < 0 {
			return false
		}
		s = s[at+len(part):]
	}
	return true
}
