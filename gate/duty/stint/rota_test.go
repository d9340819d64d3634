package stint

import (
	"slices"
	"testing"
	"time"
)

func at(t testing.TB, zone *time.Location, s string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestARosterHandsOverOnTheWallClock(t *testing.T) {
	zone := berlin(t)
	weekly := Rotation{Name: "first", People: []string{"alice", "bob", "carol"}, Begins: at(t, zone, "2026-03-16 09:00"), Days: 7}
	daily := Rotation{Name: "second", People: []string{"dave", "erin"}, Begins: at(t, zone, "2026-03-28 18:30"), Days: 1}
	override := func(rotation, person, from, to string) Override {
		return Override{rotation, person, at(t, zone, from), at(t, zone, to)}
	}
	for name, c := range map[string]struct {
		rota     Rota
		from, to string
		want     string
	}{
		"weekly, over a change of clocks": {Rota{zone, []Rotation{weekly}, nil}, "2026-03-10", "2026-04-02",
			"alice 03-16 08:00 – 03-23 08:00; bob 03-23 08:00 – 03-30 07:00; carol 03-30 07:00 – 04-06 07:00"},
		"daily, over a change of clocks": {Rota{zone, []Rotation{daily}, nil}, "2026-03-28", "2026-03-31",
			"dave 03-28 17:30 – 03-29 16:30; erin 03-29 16:30 – 03-30 16:30; dave 03-30 16:30 – 03-31 16:30"},
		"years later": {Rota{zone, []Rotation{weekly}, nil}, "2029-01-01", "2029-01-02",
			"carol 01-01 08:00 – 01-08 08:00; bob 12-25 08:00 – 01-01 08:00"},
		"somebody else for an evening": {Rota{zone, []Rotation{weekly}, []Override{override("", "dave", "2026-03-17 18:00", "2026-03-17 22:00")}}, "2026-03-16", "2026-03-18",
			"alice 03-16 08:00 – 03-17 17:00; dave 03-17 17:00 – 03-17 21:00; alice 03-17 21:00 – 03-23 08:00"},
		"of one rotation of two": {Rota{zone, []Rotation{weekly, daily}, []Override{override("second", "alice", "2026-03-28 18:30", "2026-03-29 18:30")}}, "2026-03-29", "2026-03-30",
			"bob 03-23 08:00 – 03-30 07:00; alice 03-28 17:30 – 03-29 16:30; erin 03-29 16:30 – 03-30 16:30"},
		"of both": {Rota{zone, []Rotation{weekly, daily}, []Override{override("", "zoe", "2026-03-29 00:00", "2026-03-30 00:00")}}, "2026-03-29", "2026-03-30",
			"zoe 03-28 23:00 – 03-29 22:00; bob 03-29 22:00 – 03-30 07:00; erin 03-29 22:00 – 03-30 16:30"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.rota.Stints(day(c.from), day(c.to))
			if name == "years later" {
				slices.Reverse(got)
			}
			if says(got) != c.want {
				t.Errorf("got  %s\nwant %s", says(got), c.want)
			}
		})
	}
}

func TestWhoIsOnDutyAndUntilWhen(t *testing.T) {
	stints := []Stint{
		{"bob", day("2026-01-02"), day("2026-01-04")}, {"alice", day("2026-01-01"), day("2026-01-03")}, {"bob", day("2026-01-01"), day("2026-01-03")},
	}
	for _, c := range []struct {
		at   time.Time
		want []string
		next time.Time
	}{
		{day("2025-12-31"), nil, day("2026-01-01")},
		{day("2026-01-01"), []string{"alice", "bob"}, day("2026-01-02")},
		{day("2026-01-03").Add(-time.Millisecond), []string{"alice", "bob"}, day("2026-01-03")},
		{day("2026-01-03"), []string{"bob"}, day("2026-01-04")},
		{day("2026-01-04"), nil, time.Time{}},
	} {
		if got := On(stints, c.at); !slices.Equal(got, c.want) {
			t.Errorf("at %s on duty are %v, want %v", c.at, got, c.want)
		}
		if got := Next(stints, c.at); !got.Equal(c.next) {
			t.Errorf("after %s the next change is at %s, want %s", c.at, got, c.next)
		}
	}
}
