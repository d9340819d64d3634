package wrap_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/cmd/countersign/wrap"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
)

func newPrompt() *wrap.Prompt {
	return wrap.NewPrompt("mcp/claude", countersign.Digest{1}, ledger.Trust{Origin: "log", Keys: note.VerifierList()})
}

const question = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"claudecode/toolUseId":"t","progressToken":3},"name":"approve","arguments":{"tool_name":"Bash","input":{"command":"ls  \u002d1","n":9007199254740993},"tool_use_id":"toolu_1"}}}`

func TestAQuestionBecomesACallOfTheVeryTool(t *testing.T) {
	send, answer := newPrompt().Outgoing([]byte(question))
	want := `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"Bash","arguments":{"command":"ls  \u002d1","n":9007199254740993},"_meta":{"progressToken":3}}}`
	if string(send) != want || answer != nil {
		t.Errorf("got %s and %s, want %s", send, answer, want)
	}
}

// said is what Claude reads in an answer.
func said(t *testing.T, line []byte) (id, behavior, message string) {
	t.Helper()
	var m struct {
		ID     json.RawMessage
		Result struct{ Content []struct{ Text string } }
	}
	var told struct{ Behavior, Message string }
	if err := json.Unmarshal(line, &m); err != nil || len(m.Result.Content) != 1 || json.Unmarshal([]byte(m.Result.Content[0].Text), &told) != nil {
		t.Fatalf("got %s: %v", line, err)
	}
	return string(m.ID), told.Behavior, told.Message
}

func TestAQuestionThatIsOddIsDenied(t *testing.T) {
	for _, arguments := range []string{
		`{}`, `{"tool_name":"Bash"}`, `{"tool_name":"","input":{}}`, `{"tool_name":7,"input":{}}`, `{"tool_name":"Bash","input":"ls"}`,
		`{"tool_name":"countersign_wait","input":{"request_id":"req_1"}}`,
	} {
		send, answer := newPrompt().Outgoing([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"approve","arguments":` + arguments + `}}`))
		if send != nil {
			t.Fatalf("%s: sent %s", arguments, send)
		}
		if _, behavior, _ := said(t, answer); behavior != "deny" {
			t.Errorf("%s: got %s", arguments, answer)
		}
	}
	if send, answer := newPrompt().Outgoing([]byte(strings.Replace(question, `"approve"`, `"Bash"`, 1))); send != nil || !bytes.Contains(answer, []byte("deny")) {
		t.Errorf("another tool: sent %s, answered %s", send, answer)
	}
}

func TestOnlyAReleaseThatWasOpenedHereAllows(t *testing.T) {
	for what, response := range map[string]string{
		"a claim of release":   `"result":{"isError":true,"content":[{"type":"text","text":"released"}],"_meta":{"countersign/unknown":{"code":"unknown_outcome","request_id":"req_1"}}}`,
		"an allow of somebody": `"result":{"content":[{"type":"text","text":"{\"behavior\":\"allow\",\"updatedInput\":{}}"}]}`,
		"a refusal":            `"result":{"isError":true,"content":[{"type":"text","text":"req_1 was rejected by bob"}]}`,
		"an error":             `"error":{"code":-32603,"message":"the gateway cannot be asked"}`,
		"nothing":              `"result":{}`,
	} {
		p := newPrompt()
		p.Outgoing([]byte(question))
		id, behavior, message := said(t, p.Incoming([]byte(`{"jsonrpc":"2.0","id":7,`+response+`}`)))
		if id != "7" || behavior != "deny" || message == "" {
			t.Errorf("%s: got %s, %s, %q", what, id, behavior, message)
		}
	}
}

func TestWhatIsNoAnswerToAQuestionPasses(t *testing.T) {
	p := newPrompt()
	p.Outgoing([]byte(question))
	for _, line := range []string{
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":3,"progress":1}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}`,
	} {
		if got := p.Incoming([]byte(line)); string(got) != line {
			t.Errorf("got %s", got)
		}
	}
	if send, answer := p.Outgoing([]byte(question)); send != nil || !bytes.Contains(answer, []byte("deny")) {
		t.Errorf("a second question of the same id: sent %s, answered %s", send, answer)
	}
}

func TestARunWithoutAProofIsRefused(t *testing.T) {
	p := newPrompt()
	p.Outgoing([]byte(question))
	if o, err := p.Run(t.Context(), ledger.Release{}, nil); err == nil || o.Execution != countersign.ExecutionFailed {
		t.Errorf("got %+v, %v", o, err)
	}
}
