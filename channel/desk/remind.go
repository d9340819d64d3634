package desk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
)

// jobReminders is gate.JobReminders: the key is the id of a request whose
// reviewers are to be asked again.
const jobReminders = "reminders"

// WorkReminders asks again whom pending requests still wait for, and returns how
// many requests that were.
func (d *Desk) WorkReminders(ctx context.Context) (int, error) {
	return d.work(ctx, jobReminders, func(ctx context.Context, key string, _ task) error {
		return d.remind(ctx, countersign.RequestID(key))
	})
}

// remind tells everybody who could still decide and has not, each once a round:
// in private whoever has linked an account, and below the card whoever has not.
func (d *Desk) remind(ctx context.Context, id countersign.RequestID) error {
	r, err := d.core.Get(ctx, id)
	if err != nil {
		return err
	}
	round, due := d.round(r)
	if !due {
		return nil
	}
	dir, err := d.core.Directory(ctx)
	if err != nil {
		return err
	}
	rows, _, err := get[[]posted](ctx, d.kept, copiesKey(id))
	if err != nil {
		return err
	}
	var all []message
	for _, name := range sortedNames(d.chats) {
		all = append(all, d.reminders(name, r, dir, rows)...)
	}
	return d.tellOnce(ctx, "reminder\n"+string(id)+"\n"+round, "cards of "+string(id), all, func() (bool, error) {
		now, err := d.core.Get(ctx, id)
		return err == nil && d.waits(now), err
	})
}

// waits reports whether people can still decide the request.
func (d *Desk) waits(r countersign.Request) bool {
	return r.Decision == countersign.DecisionPending && d.cfg.Now().Before(r.ExpiresAt())
}

// round names the reminder that is due by now: the plan's first, or one of those
// that follow it at even distances.
func (d *Desk) round(r countersign.Request) (string, bool) {
	q, now := r.Verdict.Requirement, d.cfg.Now()
	if !d.waits(r) || q == nil || q.Remind == nil || now.Before(q.Remind.At) {
		return "", false
	}
	n := int64(1)
	if every := time.Duration(q.Remind.EverySeconds) * time.Second; every > 0 {
		n += int64(now.Sub(q.Remind.At) / every)
	}
	return q.Remind.At.UTC().Format(time.RFC3339) + " " + strconv.FormatInt(n, 10), true
}

// reminders are what is said in one chat.
func (d *Desk) reminders(name string, r countersign.Request, dir *countersign.Directory, rows []posted) []message {
	card := d.card(d.chats[name], r, dir)
	says := "A request still waits for your decision. "
	if card.Elsewhere == "" {
		says += card.Brief.Sentence.String() + " "
	}
	says += card.Status
	var all []message
	var unlinked []string
	for _, person := range undecided(r, dir) {
		links := slices.DeleteFunc(dir.LinksOf(person), func(l countersign.Link) bool { return l.Chat != name })
		for _, l := range links {
			all = append(all, message{to: l, says: says, open: card.OpenURL})
		}
		if len(links) == 0 {
			unlinked = append(unlinked, person)
		}
	}
	if len(unlinked) == 0 {
		return all
	}
	for _, row := range rows {
		if row.Chat != name || row.Gone || row.Copy == (channel.Copy{}) || !d.chats[name].names(row.To) {
			continue
		}
		all = append(all, message{chat: name, at: row.Copy, in: row.To, open: card.OpenURL,
			says: fmt.Sprintf("This still waits for %s. %s", people(len(unlinked)), card.Status)})
	}
	return all
}

// people is "1 person who has not decided".
func people(n int) string {
	if n == 1 {
		return "1 person who has not decided"
	}
	return fmt.Sprintf("%d people who have not decided", n)
}

// undecided are the ids of those whom the request still waits for: members of a
// stage that wants somebody more, who have not chosen anything yet.
func undecided(r countersign.Request, dir *countersign.Directory) []string {
	var groups []string
	for i, s := range brief.Build(r, dir).Deciders.Stages {
		if len(s.Signed) < s.Quorum {
			groups = append(groups, r.Verdict.Requirement.Stages[i].Reviewers...)
		}
	}
	return slices.DeleteFunc(reviewers(r, dir, groups), func(person string) bool {
		return slices.ContainsFunc(r.Decisions, func(c countersign.Decision) bool { return c.By.ID == person && c.Void == "" })
	})
}
