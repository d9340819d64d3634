package quorum

import (
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// withVouched adds to the barred ids those of the people for whom only barred
// people stood: whoever asks could have made them up. One stood for by the newly
// barred alone is barred too, and so on.
func withVouched(d *countersign.Directory, barred []string) []string {
	keys := map[string][]countersign.Credential{} // what signs, by person
	for _, c := range d.Credentials {
		if !c.Pending && !c.Removed {
			keys[c.Person] = append(keys[c.Person], c)
		}
	}
	for more := true; more; {
		more = false
		for id, p := range d.People {
			if !slices.Contains(barred, id) && vouchedByNone(d, p, keys[id], barred) {
				barred, more = append(barred, id), true
			}
		}
	}
	return barred
}

// vouchedByNone reports whether nobody unbarred stood for the person: for one of
// their passkeys, or for inviting them where they have none.
func vouchedByNone(d *countersign.Directory, p countersign.Person, keys []countersign.Credential, barred []string) bool {
	if len(keys) == 0 {
		return slices.Contains(barred, p.InvitedBy)
	}
	return !slices.ContainsFunc(keys, func(c countersign.Credential) bool { return stoodFor(d, c, barred) })
}

// stoodFor reports whether somebody unbarred stood for the credential. Who signed
// for it with an earlier one stood for nobody but themselves: then it is who stood
// for the first.
func stoodFor(d *countersign.Directory, c countersign.Credential, barred []string) bool {
	vouchers := othersOf(c)
	if len(vouchers) == 0 {
		vouchers = othersOf(first(d, c))
	}
	return slices.ContainsFunc(vouchers, func(id string) bool { return !slices.Contains(barred, id) })
}

func othersOf(c countersign.Credential) []string {
	return slices.DeleteFunc(slices.Clone(c.VouchedBy), func(id string) bool { return id == c.Person })
}

// first returns the oldest credential of the person, be it removed.
func first(d *countersign.Directory, c countersign.Credential) countersign.Credential {
	for _, other := range d.Credentials {
		older := other.Since.Before(c.Since) || (other.Since.Equal(c.Since) && other.ID < c.ID)
		if other.Person == c.Person && older {
			c = other
		}
	}
	return c
}

// MaySign returns nil if the credential may sign the person's decision on the
// request: theirs, enrolled before it was made, and stood for by somebody who is
// not barred from it.
func MaySign(d *countersign.Directory, r countersign.Request, person, credential string) *countersign.Error {
	c, ok := d.Credentials[credential]
	e := &countersign.Error{Code: countersign.CodePasskeyInvalid, Hint: "use another passkey, or ask another reviewer"}
	switch {
	case !ok || c.Person != person:
		e.Detail = fmt.Sprintf("the passkey is none of %s", nameOf(d, person))
	case c.Removed:
		e.Detail = fmt.Sprintf("the passkey %q of %s was removed", c.Name, nameOf(d, person))
	case c.Pending:
		e.Detail = fmt.Sprintf("the passkey %q waits for a second person to confirm it", c.Name)
	case !c.CountsFor(r.CreatedAt):
		e.Detail = fmt.Sprintf("the passkey %q was enrolled after %s was asked for", c.Name, r.ID)
		e.Hint = "a passkey counts only for what is asked after it; ask another reviewer"
	case !stoodFor(d, c, barredNow(d, r)):
		e.Detail = fmt.Sprintf("for the passkey %q stood only people who cannot decide %s themselves", c.Name, r.ID)
	default:
		return nil
	}
	return e
}

func nameOf(d *countersign.Directory, person string) string {
	if p, ok := d.People[person]; ok {
		return p.Name
	}
	return person
}
