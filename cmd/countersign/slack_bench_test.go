package main

import (
	"errors"
	"testing"
	"time"

	"github.com/countersignhq/countersign/client"
)

// BenchmarkSlack measures what people and agents wait for where Slack asks: from an
// agent's ask to its card at Slack, and from a click to the agent, who has been
// waiting, having its answer. The server is a process of its own; Slack is one of
// the tests', on loopback, which answers at once. Its ns/op is of both together.
func BenchmarkSlack(b *testing.B) {
	a := newAsking(b)
	var posted, answered durations
	type answer struct {
		r   client.Request
		err error
		at  time.Time
	}
	for b.Loop() {
		answers := make(chan answer, 1)
		before := len(a.cards())
		began := time.Now()
		go func() {
			r, err := a.submit(b.Context(), time.Minute)
			answers <- answer{r, err, time.Now()}
		}()
		card := a.untilCards(before + 1)[before]
		posted = append(posted, time.Since(began))
		began = time.Now()
		a.approve(card)
		got := <-answers
		if got.err == nil && got.r.Execution != client.ExecutionSucceeded {
			got.err = errors.New(got.r.Decision + ", " + got.r.Execution)
		}
		if got.err != nil {
			b.Fatalf("the agent's answer: %v", got.err)
		}
		answered = append(answered, got.at.Sub(began))
		a.slack.UntilEdited(card, 1) // so that it does not stand in the next one's way
	}
	for name, d := range map[string]durations{"card": posted, "answer": answered} {
		b.ReportMetric(float64(d.at(0.5).Microseconds())/1000, name+"-p50-ms")
		b.ReportMetric(float64(d.at(0.99).Microseconds())/1000, name+"-p99-ms")
	}
	b.ReportMetric(float64(len(posted)), "clicks")
	b.ReportMetric(float64(durable(b).Microseconds()), "append-µs")
}
