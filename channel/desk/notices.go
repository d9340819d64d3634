package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// jobNotices is gate.JobNotices: of a link that was made or broken.
const jobNotices = "notices"

// A notice is gate.LinkNotice.
type notice struct {
	Link    countersign.Link      `json:"link"`
	Broken  bool                  `json:"broken,omitempty"`
	By      countersign.Principal `json:"by"`
	Because string                `json:"because,omitempty"`
}

// WorkNotices tells people of links that were made or broken, and returns how many
// links that were.
func (d *Desk) WorkNotices(ctx context.Context) (int, error) {
	return d.work(ctx, jobNotices, func(ctx context.Context, key string, t task) error {
		var n notice
		if err := json.Unmarshal(t.Notice, &n); err != nil {
			return err
		}
		dir, err := d.core.Directory(ctx)
		if err != nil {
			return err
		}
		return d.tellOnce(ctx, "notice\n"+key, "notices", d.notices(n, dir), nil)
	})
}

// notices are what the person is told, wherever they have an account, and what
// those are told who decide beside them: in some group that the person is in. A
// chat's own names of accounts are claims, so that none stands here.
func (d *Desk) notices(n notice, dir *countersign.Directory) []message {
	l, name := n.Link, dir.People[n.Link.Person].Name
	account := fmt.Sprintf("the %s account %s of the workspace %s", l.Chat, l.Account, l.Workspace)
	theirs := fmt.Sprintf("You are linked to %s: what is pressed there counts as your choice. If that is not yours, write unlink there or break the link in the console, and tell the operator.", account)
	others := fmt.Sprintf("%s, who decides with you, is linked to %s. If that looks wrong, ask them, and have the operator break the link.", name, account)
	if n.Broken {
		by := cmp.Or(n.By.Name, n.By.ID)
		theirs = fmt.Sprintf("You are linked to %s no more, by %s%s. What you approved through it and has not run is void.", account, by, because(n))
		others = fmt.Sprintf("%s, who decides with you, is linked to %s no more, by %s%s. What they approved through it and has not run is void.", name, account, by, because(n))
	}
	accounts := dir.LinksOf(l.Person)
	if !slices.ContainsFunc(accounts, func(o countersign.Link) bool { return o.ID() == l.ID() }) {
		accounts = append(accounts, l)
	}
	var all []message
	for _, to := range accounts {
		all = append(all, message{to: to, says: theirs, open: d.console(to.Chat) + "/account"})
	}
	for _, person := range beside(l.Person, dir) {
		for _, to := range dir.LinksOf(person) {
			if to.ID() != l.ID() {
				all = append(all, message{to: to, says: others, open: d.console(to.Chat) + "/people"})
			}
		}
	}
	return all
}

func because(n notice) string {
	if n.Because == "" {
		return ""
	}
	return " (" + n.Because + ")"
}

func (d *Desk) console(chat string) string { return d.chats[chat].Setting.Console }

// beside are the ids, sorted, of the active people who share a group with the
// person.
func beside(person string, dir *countersign.Directory) []string {
	shares := map[string]bool{}
	for _, g := range dir.Groups {
		if !slices.ContainsFunc(g.Members, func(m countersign.Member) bool { return m.Person == person }) {
			continue
		}
		for _, m := range g.Members {
			shares[m.Person] = m.Person != person && !dir.People[m.Person].Inactive
		}
	}
	var ids []string
	for id, yes := range shares {
		if yes {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
