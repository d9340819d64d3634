package rest

import "testing"

func TestTheLengthOfAListSaysLittle(t *testing.T) {
	lengths := map[int]bool{}
	for range 64 {
		small, err := zipped([]byte(`{"rows":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		lengths[len(small)] = true
	}
	if len(lengths) < 8 {
		t.Errorf("the same list came in %d lengths of 64, want many", len(lengths))
	}
}
