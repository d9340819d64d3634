package mcptool

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/unhide"
)

// text looks for what cannot be seen in the strings and names of the params.
func (u *understanding) text(params []byte) { u.value(params, "") }

func (u *understanding) value(raw []byte, where string) {
	switch {
	case len(raw) == 0:
	case raw[0] == '{':
		for name, member := range canon.Members(raw) {
			at := strings.TrimPrefix(where+"."+name, ".")
			u.hidden(name, at)
			u.value(member, at)
		}
	case raw[0] == '[':
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return
		}
		for i, item := range items {
			u.value(item, fmt.Sprintf("%s.%d", where, i))
		}
	case raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			u.hidden(s, where)
		}
	}
}

// hidden notes one indicator for each way in which the string hides something.
func (u *understanding) hidden(s, where string) {
	found := map[string][]string{}
	var order []string
	for _, f := range unhide.Hidden(s) {
		id := "text.hidden"
		switch f.Kind {
		case unhide.Bidi:
			id = "text.bidi"
		case unhide.Homoglyph:
			id = "text.homoglyph"
		case unhide.Padding:
			id = "text.padding"
		}
		if found[id] == nil {
			order = append(order, id)
		}
		found[id] = append(found[id], f.Label)
	}
	for _, id := range order {
		u.found(id, evidence(found[id]), where, "bytes", countersign.Known)
	}
}

func evidence(labels []string) string {
	if more := len(labels) - 4; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(labels[:4], ", "), more)
	}
	return strings.Join(labels, ", ")
}
