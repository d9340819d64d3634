package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A model is a fake one that speaks what the client's own model speaks: Anthropic
// Messages, OpenAI Responses or Gemini's generateContent, streamed. It calls the
// tool until the answer is one that a sensible model would take: it ran, or it will
// not. Of anything else, that it waits or that the connection broke, it asks again.
type model struct {
	tool  string         // ends the name that the client gives the tool
	input map[string]any // its arguments
	final func(answer string) bool

	mu      sync.Mutex
	answers []string // of the tool, as the client handed them on
	asked   int
	seen    []string // paths, for who looks for what went wrong
}

// calls is how often a model asks before it gives up.
const calls = 40

func (m *model) last() (string, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.answers) == 0 {
		return "", 0
	}
	return m.answers[len(m.answers)-1], len(m.answers)
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	var in map[string]any
	_ = json.Unmarshal(b, &in) // a GET has none
	m.mu.Lock()
	m.seen = append(m.seen, r.Method+" "+r.URL.Path)
	m.mu.Unlock()
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/messages"):
		m.anthropic(w, in)
	case strings.HasSuffix(path, "/responses"):
		m.openai(w, in)
	case strings.HasSuffix(path, "enerateContent"):
		m.gemini(w, in, strings.HasSuffix(path, ":streamGenerateContent"))
	case strings.HasSuffix(path, "count_tokens"), strings.HasSuffix(path, "countTokens"):
		fmt.Fprint(w, `{"input_tokens":1,"totalTokens":1}`)
	case strings.HasSuffix(path, "/models"):
		fmt.Fprint(w, `{"data":[],"models":[]}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// next says which tool to call, none if the model has had its answer.
func (m *model) next(in map[string]any, results []any) (name, namespace string, call bool) {
	name, namespace = find(in["tools"], m.tool, "")
	if name == "" {
		return "", "", false // a side call, such as for a title
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(results) > 0 {
		answer := strings.Join(texts(results[len(results)-1]), "\n")
		if len(results) > len(m.answers) {
			m.answers = append(m.answers, answer)
		}
		if m.final(answer) || m.asked >= calls {
			return "", "", false
		}
		time.Sleep(200 * time.Millisecond) // as long as a fast model thinks
	}
	m.asked++
	return name, namespace, true
}

// find finds the tool whose name ends so, and the namespace it is in.
func find(v any, tool, in string) (name, namespace string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if name, namespace = find(e, tool, in); name != "" {
				return name, namespace
			}
		}
	case map[string]any:
		own, _ := v["name"].(string)
		if strings.HasSuffix(own, tool) {
			return own, in
		}
		for _, key := range []string{"tools", "functionDeclarations"} {
			if name, namespace = find(v[key], tool, own); name != "" {
				return name, namespace
			}
		}
	}
	return "", ""
}

// texts are all strings within.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	}
	return nil
}

// within are the elements of in[list], and of each one's member, if it is a list.
func within(in map[string]any, list, member string) []map[string]any {
	var all []map[string]any
	outer, _ := in[list].([]any)
	for _, o := range outer {
		e, _ := o.(map[string]any)
		inner, ok := e[member].([]any)
		if !ok {
			all = append(all, e)
		}
		for _, i := range inner {
			if x, ok := i.(map[string]any); ok {
				all = append(all, x)
			}
		}
	}
	return all
}

func encode(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// send sends events one by one, named if they have a type.
func send(w http.ResponseWriter, events ...map[string]any) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		if kind, ok := e["type"]; ok {
			fmt.Fprintf(w, "event: %s\n", kind)
		}
		fmt.Fprintf(w, "data: %s\n\n", encode(e))
	}
}

type obj = map[string]any

func (m *model) anthropic(w http.ResponseWriter, in map[string]any) {
	var results []any
	for _, c := range within(in, "messages", "content") {
		if c["type"] == "tool_result" {
			results = append(results, c["content"])
		}
	}
	name, _, call := m.next(in, results)
	block, delta, why := obj{"type": "text", "text": ""}, obj{"type": "text_delta", "text": "done"}, "end_turn"
	if call {
		block = obj{"type": "tool_use", "id": fmt.Sprintf("toolu_%d", len(results)), "name": name, "input": obj{}}
		delta, why = obj{"type": "input_json_delta", "partial_json": encode(m.input)}, "tool_use"
	}
	usage := obj{"input_tokens": 1, "output_tokens": 1}
	message := obj{"id": "msg_1", "type": "message", "role": "assistant", "model": "fake", "content": []any{}, "stop_reason": nil, "stop_sequence": nil, "usage": usage}
	if in["stream"] != true {
		message["content"], message["stop_reason"] = []any{obj{"type": "text", "text": "done"}}, "end_turn"
		fmt.Fprint(w, encode(message))
		return
	}
	send(w, obj{"type": "message_start", "message": message},
		obj{"type": "content_block_start", "index": 0, "content_block": block},
		obj{"type": "content_block_delta", "index": 0, "delta": delta},
		obj{"type": "content_block_stop", "index": 0},
		obj{"type": "message_delta", "delta": obj{"stop_reason": why, "stop_sequence": nil}, "usage": usage},
		obj{"type": "message_stop"})
}

func (m *model) openai(w http.ResponseWriter, in map[string]any) {
	var results []any
	for _, c := range within(in, "input", "") {
		if c["type"] == "function_call_output" {
			results = append(results, c["output"])
		}
	}
	name, namespace, call := m.next(in, results)
	item := obj{"type": "message", "id": "m1", "role": "assistant", "content": []any{obj{"type": "output_text", "text": "done"}}}
	if call {
		item = obj{"type": "function_call", "id": "f1", "call_id": fmt.Sprintf("call_%d", len(results)), "name": name, "arguments": encode(m.input)}
		if namespace != "" {
			item["namespace"] = namespace
		}
	}
	usage := obj{"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
	send(w, obj{"type": "response.created", "response": obj{"id": "resp_1"}},
		obj{"type": "response.output_item.done", "output_index": 0, "item": item},
		obj{"type": "response.completed", "response": obj{"id": "resp_1", "usage": usage}})
}

func (m *model) gemini(w http.ResponseWriter, in map[string]any, streamed bool) {
	var results []any
	for _, c := range within(in, "contents", "parts") {
		if r, ok := c["functionResponse"].(map[string]any); ok {
			results = append(results, r["response"])
		}
	}
	name, _, call := m.next(in, results)
	part := obj{"text": "done"}
	if call {
		part = obj{"functionCall": obj{"name": name, "args": m.input}}
	}
	answer := obj{
		"candidates":    []any{obj{"index": 0, "finishReason": "STOP", "content": obj{"role": "model", "parts": []any{part}}}},
		"usageMetadata": obj{"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
	}
	if !streamed {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, encode(answer))
		return
	}
	send(w, answer)
}
