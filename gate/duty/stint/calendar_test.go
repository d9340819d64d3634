package stint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func calendar(events ...string) []byte {
	text := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n"
	for i, e := range events {
		if !strings.Contains(e, "UID:") {
			e = fmt.Sprintf("UID:%d\n", i) + e
		}
		text += "BEGIN:VEVENT\nDTSTAMP:20260101T000000Z\n" + e + "\nEND:VEVENT\n"
	}
	return []byte(strings.ReplaceAll(text+"END:VCALENDAR\n", "\n", "\r\n"))
}

// says are the stints in UTC: "alice 01-05 08:00 – 01-12 08:00".
func says(stints []Stint) string {
	var all []string
	for _, s := range stints {
		all = append(all, s.Person+" "+s.From.Format("01-02 15:04")+" – "+s.To.Format("01-02 15:04"))
	}
	return strings.Join(all, "; ")
}

func day(s string) time.Time {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestACalendarSaysWhoIsOnDuty(t *testing.T) {
	c := Calendar{Zone: berlin(t), People: map[string]string{"alice@example.com": "local|alice", "bob@example.com": "local|bob", "Carol on call": "local|carol"}}
	const alice, bob = "ATTENDEE;CN=A:mailto:Alice@Example.com\n", "ATTENDEE:MAILTO:bob@example.com\n"
	for name, x := range map[string]struct {
		events  []string
		want    string
		unknown []string
	}{
		"a time in UTC":                {[]string{alice + "DTSTART:20260302T080000Z\nDTEND:20260303T080000Z"}, "local|alice 03-02 08:00 – 03-03 08:00", nil},
		"a time in a zone":             {[]string{bob + "DTSTART;TZID=America/New_York:20260302T080000\nDURATION:PT4H"}, "local|bob 03-02 13:00 – 03-02 17:00", nil},
		"a floating time":              {[]string{bob + "DTSTART:20260302T080000\nDTEND:20260302T090000"}, "local|bob 03-02 07:00 – 03-02 08:00", nil},
		"a whole day":                  {[]string{alice + "DTSTART;VALUE=DATE:20260302"}, "local|alice 03-01 23:00 – 03-02 23:00", nil},
		"days over a change of clocks": {[]string{alice + "DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330"}, "local|alice 03-27 23:00 – 03-29 22:00", nil},
		"two at a time":                {[]string{alice + bob + "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z"}, "local|alice 03-02 08:00 – 03-02 09:00; local|bob 03-02 08:00 – 03-02 09:00", nil},
		"one who declined":             {[]string{"ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.com\n" + bob + "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z"}, "local|bob 03-02 08:00 – 03-02 09:00", nil},
		"by the summary":               {[]string{"SUMMARY:Carol on call\nDTSTART:20260302T080000Z\nDTEND:20260302T090000Z"}, "local|carol 03-02 08:00 – 03-02 09:00", nil},
		"nobody who is known":          {[]string{"SUMMARY:carol\nATTENDEE:mailto:zoe@example.com\nDTSTART:20260302T080000Z\nDTEND:20260302T090000Z"}, "", []string{"carol"}},
		"cancelled":                    {[]string{alice + "STATUS:CANCELLED\nDTSTART:20260302T080000Z\nDTEND:20260302T090000Z"}, "", nil},
		"without length":               {[]string{alice + "DTSTART:20260302T080000Z"}, "", nil},
		"outside the window":           {[]string{alice + "DTSTART:20250302T080000Z\nDTEND:20250302T090000Z"}, "", nil},
		"weekly over a change of clocks, one excluded": {
			[]string{alice + "DTSTART;TZID=Europe/Berlin:20260316T090000\nDTEND;TZID=Europe/Berlin:20260316T170000\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20260323T090000,20300101T090000"},
			"local|alice 03-16 08:00 – 03-16 16:00; local|alice 03-30 07:00 – 03-30 15:00", nil},
		"one repetition moved and given away": {
			[]string{
				"UID:w\n" + alice + "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\nRRULE:FREQ=DAILY;UNTIL=20260304T080000Z",
				"UID:w\n" + bob + "RECURRENCE-ID:20260303T080000Z\nDTSTART:20260303T120000Z\nDTEND:20260303T130000Z",
			}, "local|alice 03-02 08:00 – 03-02 09:00; local|bob 03-03 12:00 – 03-03 13:00; local|alice 03-04 08:00 – 03-04 09:00", nil},
		"one repetition cancelled": {
			[]string{
				"UID:w\n" + alice + "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=2",
				"UID:w\nSTATUS:CANCELLED\nRECURRENCE-ID:20260303T080000Z\nDTSTART:20260303T080000Z",
			}, "local|alice 03-02 08:00 – 03-02 09:00", nil},
		"dates of its own": {[]string{alice + "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\nRDATE:20260305T080000Z"}, "local|alice 03-02 08:00 – 03-02 09:00; local|alice 03-05 08:00 – 03-05 09:00", nil},
		"until a day, where the days are": {
			[]string{alice + "DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY;UNTIL=20260303"},
			"local|alice 03-01 23:00 – 03-02 23:00; local|alice 03-02 23:00 – 03-03 23:00", nil},
	} {
		t.Run(name, func(t *testing.T) {
			stints, unknown, err := c.Stints(calendar(x.events...), day("2026-03-01"), day("2026-04-01"))
			if err != nil {
				t.Fatal(err)
			}
			if got := says(stints); got != x.want {
				t.Errorf("got  %s\nwant %s", got, x.want)
			}
			if !slices.Equal(unknown, x.unknown) {
				t.Errorf("unknown are %q, want %q", unknown, x.unknown)
			}
		})
	}
}

func TestACalendarThatIsNotUnderstoodIsRefusedWhole(t *testing.T) {
	const who = "ATTENDEE:mailto:alice@example.com\n"
	c := Calendar{People: map[string]string{"alice@example.com": "local|alice"}}
	for want, text := range map[string][]byte{
		"it is no iCalendar":        []byte("<html>sign in</html>"),
		"none of the IANA database": calendar(who + "DTSTART;TZID=W. Europe Standard Time:20260302T080000\nDURATION:PT1H"),
		"it has no DTSTART":         calendar(who),
		"repeats within a day":      calendar(who + "DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"),
		"(RANGE) is not read":       calendar(who + "RECURRENCE-ID;RANGE=THISANDFUTURE:20260302T080000Z\nDTSTART:20260302T080000Z"),
		"more than one RRULE":       calendar(who + "DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"),
		"out of all time":           calendar(who + "DTSTART:00010302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"),
		"repetitions without end":   calendar(slices.Repeat([]string{who + "DTSTART:19700302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"}, 10)...),
	} {
		t.Run(want, func(t *testing.T) {
			stints, _, err := c.Stints(text, day("2026-03-01"), day("2026-04-01"))
			if err == nil || !strings.Contains(err.Error(), want) || stints != nil {
				t.Errorf("got %v, %v; want an error that says %q", stints, err, want)
			}
		})
	}
}

func FuzzCalendar(f *testing.F) {
	f.Add(calendar("ATTENDEE:mailto:alice@example.com\nDTSTART;TZID=Europe/Berlin:20260302T080000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=4\nEXDATE:20260303T080000Z"))
	f.Add(calendar("SUMMARY:x\nDTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260303"))
	c := Calendar{People: map[string]string{"alice@example.com": "local|alice", "x": "local|bob"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		from, to := day("2026-03-01"), day("2026-04-01")
		stints, _, err := c.Stints(text, from, to)
		if err != nil && stints != nil || len(stints) > Most {
			t.Fatalf("%d stints and %v", len(stints), err)
		}
		for _, s := range stints {
			if !s.From.Before(s.To) || !s.From.Before(to) || !from.Before(s.To) {
				t.Fatalf("%+v is not within", s)
			}
		}
	})
}
