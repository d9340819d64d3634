package mcp_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/upstream/confine"
)

// The test binary is also the server under test, one that does what the name of
// the tool says, good or bad.
func TestMain(m *testing.M) {
	confine.Main(os.Args)
	if len(os.Args) > 2 && os.Args[1] == "play-server" {
		playServer(os.Args[2])
	}
	os.Exit(m.Run())
}

// A request is what the server reads, as encoding/json reads it.
type request struct {
	ID     json.RawMessage
	Method string
	Params struct{ Name string }
	Result json.RawMessage
	Error  json.RawMessage
}

// playServer keeps every line it reads in the file seen.
func playServer(seen string) {
	log, err := os.OpenFile(seen, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(os.Stdout)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	fmt.Fprintln(os.Stderr, "hello from stderr")
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			os.Exit(0)
		}
		log.Write(line)
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			panic(err)
		}
		answer(out, r, line)
		out.Flush()
	}
}

func answer(out *bufio.Writer, r request, line []byte) {
	say := func(format string, a ...any) { fmt.Fprintf(out, format+"\n", a...) }
	result := func(result string) { say(`{"result":%s,"jsonrpc":"2.0","id":%s}`, result, r.ID) }
	switch r.Method {
	case "initialize":
		result(initializeAs(os.Getenv("REVISION")))
	case "ping":
		result(`{}`)
	case "tools/list":
		result(`{"tools":[ {"name":"echo", "x-unknown":9007199254740993} ]}`)
	case "tools/call":
		misbehave(out, r, line, say, result)
	case "":
		asked(r, say)
	}
}

func initializeAs(revision string) string {
	switch revision {
	case "":
		revision = "2025-11-25"
	case "never":
		io.Copy(io.Discard, os.Stdin)
	case "exit":
		os.Exit(3)
	}
	return fmt.Sprintf(`{"protocolVersion":%q,"capabilities":{"tools":{"listChanged":true} },"serverInfo":{"name":"t","version":"1"},"instructions":"be kind"}`, revision)
}

// asked gets the gateway's answer to a request of this server and passes it on
// as the result of the call that made it ask.
func asked(r request, say func(string, ...any)) {
	id := strings.Trim(string(r.ID), `"`)
	if callID, ok := strings.CutPrefix(id, "ask-"); ok {
		say(`{"jsonrpc":"2.0","id":%s,"result":{"result":%s,"error":%s}}`, callID, orNull(r.Result), orNull(r.Error))
	}
}

func orNull(b []byte) []byte {
	if len(b) == 0 {
		return []byte("null")
	}
	return b
}

func misbehave(out *bufio.Writer, r request, line []byte, say func(string, ...any), result func(string)) {
	zeros := func(n int) {
		chunk := bytes.Repeat([]byte("0"), 1<<16)
		for ; n > 0; n -= len(chunk) {
			out.Write(chunk[:min(n, len(chunk))])
		}
	}
	switch r.Params.Name {
	case "echo":
		result(`{"content":[ ],"isError" :false,"n":9007199254740993,"dup":{"a":1,"a":2}}`)
	case "fails":
		result(`{"content":[],"isError":true}`)
	case "error":
		say(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"no such \u0074ool"}}`, r.ID)
	case "two-ways":
		result(`{"isError":false,"isError":true}`)
	case "two-cases":
		result(`{"isError":false,"iserror":true}`)
	case "both":
		say(`{"jsonrpc":"2.0","id":%s,"result":{},"error":{}}`, r.ID)
	case "hang":
	case "deaf":
		out.Flush()
		select {}
	case "die":
		os.Exit(4)
	case "half":
		fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{"con`, r.ID)
		out.Flush()
		os.Exit(5)
	case "half-hang":
		fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":{"con`, r.ID)
	case "close":
		out.Flush()
		os.Stdout.Close()
		select {}
	case "large", "larger":
		fmt.Fprintf(out, `{"result":{"\"id\"":{"id":77},"z":"`)
		zeros(2 << 20)
		if r.Params.Name == "larger" {
			say(`"},"id":%s,"jsonrpc":"2.0"}`, r.ID)
		} else {
			say(`"},"jsonrpc":"2.0","id" : %s }`, r.ID)
		}
	case "endless":
		fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":"`, r.ID)
		zeros(10 << 30)
	case "broken":
		say(`{"jsonrpc":"2.0","id":%s,"result":{"a":}}`, r.ID)
	case "noise":
		say("server listening on stdio\n{\n\n{}\n[]\n" + `{"jsonrpc":"2.0","id":9999,"result":{}}` + "\n" + `{"jsonrpc":"2.0","id":"` + string(r.ID) + `","result":{}}`)
		say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{}}`)
		fmt.Fprintln(os.Stderr, strings.Repeat("e", 1<<20))
		result(`{"ok":1}`)
		result(`{"ok":2}`)
	case "ask":
		say(`{"jsonrpc":"2.0","id":"ask-%s","method":"sampling/createMessage","params":{}}`, r.ID)
	case "ask-ping":
		say(`{"jsonrpc":"2.0","id":"ask-%s","method":"ping"}`, r.ID)
	case "ask-flood":
		for range 100_000 {
			say(`{"jsonrpc":"2.0","id":1,"method":"roots/list"}`)
		}
		result(`{}`)
	case "changed":
		say(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
		result(`{}`)
	}
}
