package mcptool

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

const (
	// mostPlaces is how many arguments of a tool's schema are remembered.
	mostPlaces = 64
	// mostValues is how many values of a call are looked at.
	mostValues = 1000
	// deepestPlace is how many objects and lists within each other are followed.
	deepestPlace = 16
)

// formats are the formats of JSON Schema whose values are addresses, by what they
// are here. It is never written to.
var formats = map[string]string{
	"uri": "uri", "url": "uri", "uri-reference": "uri", "iri": "uri", "iri-reference": "uri", "email": "email", "idn-email": "email",
	"hostname": "hostname", "idn-hostname": "hostname", "ipv4": "hostname", "ipv6": "hostname",
}

// placesOf reads out of a tool's definition which arguments are addresses.
func placesOf(definition []byte) map[string]string {
	schema, ok := canon.Member(definition, "inputSchema")
	if !ok {
		return nil
	}
	found := map[string]string{}
	gatherPlaces(schema, "", 0, found)
	if len(found) == 0 {
		return nil
	}
	return found
}

func gatherPlaces(schema []byte, path string, depth int, found map[string]string) {
	if depth == deepestPlace || len(path) > 200 {
		return
	}
	if raw, ok := canon.Member(schema, "format"); ok && path != "" && raw[0] == '"' && len(found) < mostPlaces {
		if kind := formats[decoded(raw)]; kind != "" {
			found[path] = kind
		}
	}
	if items, ok := canon.Member(schema, "items"); ok {
		gatherPlaces(items, path, depth+1, found) // a list stands where its items stand
	}
	properties, ok := canon.Member(schema, "properties")
	if !ok {
		return
	}
	for name, property := range canon.Members(properties) {
		gatherPlaces(property, under(path, name), depth+1, found)
	}
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// placeNames are words in the names of arguments that say where something goes.
// It is never written to.
var placeNames = []string{
	"bcc", "bucket", "callback", "cc", "dest", "destination", "domain", "endpoint", "host", "hostname", "recipient", "recipients", "remote",
	"server", "to", "upload", "uri", "url", "webhook",
}

// places looks for addresses among the arguments that the configuration says
// nothing of. That data goes there is possible and no more: it can make a request
// look worse, and nothing look better.
func (u *understanding) places(name string, declared countersign.Tool, params []byte, r countersign.Resource) {
	arguments, ok := canon.Member(params, "arguments")
	if !ok {
		return
	}
	l := &looking{u: u, r: r, schema: r.Claims[name].Places, known: []string{declared.Sink, declared.Argument}, found: map[string]int{}}
	l.value(arguments, "", "", 0)
	if l.values > mostValues {
		u.found("data.sink-possible", fmt.Sprintf("more than %d values, or more than %d deep", mostValues, deepestPlace), "arguments", "schema", countersign.Possible)
	}
}

// A looking is one look through the arguments of a call.
type looking struct {
	u      *understanding
	r      countersign.Resource
	schema map[string]string
	known  []string // arguments that the configuration speaks of
	values int
	found  map[string]int
}

// value looks at a value that stands at a path. To the schema the items of a list
// stand where the list does.
func (l *looking) value(raw []byte, path, schema string, depth int) {
	if l.values++; l.values > mostValues || slices.Contains(l.known, path) && path != "" {
		return
	}
	if depth > deepestPlace {
		l.values = mostValues + 1
		return
	}
	raw, ok := canon.Member(raw)
	switch {
	case !ok:
	case raw[0] == '{':
		for name, inner := range canon.Members(raw) {
			l.value(inner, under(path, name), under(schema, name), depth+1)
		}
	case raw[0] == '[':
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return
		}
		for i, item := range items {
			l.value(item, under(path, strconv.Itoa(i)), schema, depth+1)
		}
	case raw[0] == '"':
		l.text(decoded(raw), path, schema)
	}
}

func (l *looking) text(s, path, schema string) {
	address, is := addressIn(s, path, schema, l.schema[schema])
	region, known := regionOf(address, l.u.sinks)
	id, evidence := "data.sink-possible", s
	switch {
	case known && !slices.Contains(l.r.Regions, region):
		id, evidence = "data.leaves-region", fmt.Sprintf("to %s, %s", region, s)
	case known || !is:
		return
	}
	if l.found[id]++; l.found[id] <= mostFindings {
		l.u.found(id, evidence, "arguments."+path, "schema", countersign.Possible)
	}
}

// addressIn is the address in a value, and whether there is reason to take it for
// one: the schema says so, or what it looks like, or the name of the argument. A
// path counts only where the configuration says in which region it lies.
func addressIn(s, path, schema, kind string) (address string, is bool) {
	_, after, absolute := strings.Cut(s, "://")
	user, domain, mail := strings.Cut(s, "@")
	mail = mail && !absolute && user != "" && strings.Contains(domain, ".") && !strings.ContainsAny(s, " \t\n")
	if mail && kind != "uri" {
		return domain, kind == "email" || named(schema)
	}
	switch {
	case s == "":
		return "", false
	case absolute:
		scheme, _, _ := strings.Cut(s, "://")
		return s, !strings.EqualFold(scheme, "file") && after != "" && !strings.ContainsAny(scheme, " \t\n")
	case kind == "hostname" || kind == "email":
		return s, true
	case kind == "uri":
		return s, strings.HasPrefix(s, "//")
	}
	return s, named(schema) && !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, ".")
}

// named reports whether the last part of an argument's name says where something
// goes: "to", "webhookUrl", "dest_bucket". "to" must be the whole name.
func named(schema string) bool {
	last := schema[strings.LastIndexByte(schema, '.')+1:]
	if len(last) > 100 {
		return false // no name that anybody chose for what it says
	}
	var words []string
	word := ""
	for i, r := range last {
		if !unicode.IsLetter(r) || unicode.IsUpper(r) && i > 0 && word != "" && !unicode.IsUpper(rune(last[i-1])) {
			words, word = append(words, word), ""
		}
		if unicode.IsLetter(r) {
			word += string(unicode.ToLower(r))
		}
	}
	words = append(words, word)
	for _, w := range words {
		if slices.Contains(placeNames, w) && (w != "to" && w != "cc" || len(words) == 1) {
			return true
		}
	}
	return false
}
