package mcptool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/unhide"
)

// mostFindings is how many indicators of one kind are kept; more add nothing but
// length.
const mostFindings = 8

// A place is one open object or array of the params.
type place struct {
	object bool
	key    bool   // the next string is a key
	name   string // of the member that is being read
	index  int
}

// text looks for what cannot be seen in the strings and names of the params,
// which are checked. It reads them once, whatever their depth.
func (u *understanding) text(params []byte) {
	dec := json.NewDecoder(bytes.NewReader(params))
	dec.UseNumber()
	found := map[string]int{}
	var open []place
	for {
		token, err := dec.Token()
		if err != nil {
			return
		}
		var top *place
		if len(open) > 0 {
			top = &open[len(open)-1]
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				open = append(open, place{object: v == '{', key: v == '{'})
				continue
			}
			if open = open[:len(open)-1]; len(open) > 0 {
				open[len(open)-1].next()
			}
			continue
		case string:
			if top != nil && top.key {
				top.name, top.key = v, false
				u.hidden(v, standing(open), found)
				continue
			}
			u.hidden(v, standing(open), found)
		}
		if top != nil {
			top.next()
		}
	}
}

// next is what the place waits for when a value has ended.
func (p *place) next() {
	p.key = p.object
	p.index++
}

// standing tells where a value stands: "arguments.files.0.path".
func standing(open []place) func() string {
	return func() string {
		var steps []string
		for _, p := range open {
			if p.object {
				steps = append(steps, unhide.Visible(p.name))
			} else {
				steps = append(steps, strconv.Itoa(p.index))
			}
		}
		return strings.Join(steps, ".")
	}
}

// hidden notes one indicator for each way in which the string hides something.
// The line ends of Windows hide nothing.
func (u *understanding) hidden(s string, where func() string, found map[string]int) {
	labels := map[string][]string{}
	for _, f := range unhide.Hidden(strings.ReplaceAll(s, "\r\n", "\n")) {
		id := idOf(f.Kind)
		labels[id] = append(labels[id], f.Label)
	}
	for _, id := range slices.Sorted(maps.Keys(labels)) {
		if found[id]++; found[id] > mostFindings {
			continue
		}
		u.found(id, evidence(labels[id]), where(), "bytes", countersign.Known)
	}
}

func idOf(kind unhide.Kind) string {
	switch kind {
	case unhide.Bidi:
		return "text.bidi"
	case unhide.Homoglyph:
		return "text.homoglyph"
	case unhide.Padding:
		return "text.padding"
	}
	return "text.hidden"
}

func evidence(labels []string) string {
	if more := len(labels) - 4; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(labels[:4], ", "), more)
	}
	return strings.Join(labels, ", ")
}
