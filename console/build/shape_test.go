package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// A blob is a document that package countersign writes, with every member there.
type blob struct {
	Kind string `json:"kind"` // of the event, "who" or "command"
	Text string `json:"text"`
}

// blobs are one of each kind that stands in a receipt. A member that package
// countersign has and web/verify does not know would break every receipt with it.
func blobs(t *testing.T) []blob {
	t.Helper()
	var all []blob
	add := func(kind string, v any) {
		filled := reflect.New(reflect.TypeOf(v)).Elem()
		fill(t, filled)
		b, err := canon.Marshal(filled.Interface())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, blob{kind, string(b)})
	}
	for _, b := range []countersign.Body{
		countersign.Requested{}, countersign.Joined{}, countersign.Denied{}, countersign.Allowed{}, countersign.Held{},
		countersign.Decided{}, countersign.Escalated{}, countersign.Refused{}, countersign.Expired{}, countersign.Withdrawn{},
		countersign.Lapsed{}, countersign.Released{}, countersign.Completed{}, countersign.Resolved{}, countersign.Revealed{},
		countersign.CredentialEnrolled{}, countersign.CredentialChanged{},
	} {
		add(string(b.Kind()), b)
	}
	add("who", countersign.Who{})
	for _, c := range []countersign.Command{
		countersign.MCPRequest{Resource: "mcp/files", Target: countersign.Digest{1}, Method: "tools/call", Params: []byte(`{"name":"x"}`), Tool: countersign.Digest{2}},
		countersign.MCPRequest{Resource: "mcp/files", Method: "resources/read"},
		countersign.Control{Entity: "policy", From: 7, BodyKind: countersign.KindPolicyChanged, Body: []byte(`{"solo":false}`)},
	} {
		b, err := countersign.Canonical(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, blob{"command", string(b)})
	}
	return all
}

// fill sets every part of v that JSON can carry to something.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1795089600, 123456789).UTC()))
		return
	case countersign.Effect:
		v.SetString(string(countersign.Hold))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(2)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(2)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		item := reflect.New(v.Type().Elem()).Elem()
		fill(t, item)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), item)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no way to fill a %s", v.Type())
	}
}
