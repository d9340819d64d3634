package rest_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/rest"
)

func TestAMemberOfAnotherTypeIsNamedAsTheCallerWroteIt(t *testing.T) {
	type common struct {
		Size struct {
			Rows int `json:"rows"`
		} `json:"size"`
	}
	var in struct {
		common
		Name string `json:"name"`
	}
	for body, want := range map[string]string{`{"size":{"rows":"1"}}`: `member "size.rows" is`, `{"name":1}`: `member "name" is`} {
		err := rest.Read(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(body)), rest.Small, &in)
		if err == nil || countersign.CodeOf(err) != countersign.CodeBadRequest || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a bad request that says %q", body, err, want)
		}
	}
}
