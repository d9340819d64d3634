package brief

import (
	"crypto/sha256"
	_ "embed"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// The English list of BIP-39 (github.com/bitcoin/bips, MIT License): 2,048 words
// whose first four letters differ.
//
//go:embed words.txt
var words string

// Words are the first 88 bits of a digest as eight words, 11 bits each, so that
// people can compare two screens.
func Words(d countersign.Digest) [8]string {
	all := strings.Fields(words)
	var eight [8]string
	for i := range eight {
		n := 0
		for bit := i * 11; bit < (i+1)*11; bit++ {
			n = n<<1 | int(d[bit/8]>>(7-bit%8)&1)
		}
		eight[i] = all[n]
	}
	return eight
}

// viewVersion changes with the way in which a Brief is shown.
const viewVersion = 1

// A view is all of a Brief that a decision rests on. Votes, time left, history
// and outcome are not in it: they change while people read.
type view struct {
	Version    int                   `json:"version"`
	ID         countersign.RequestID `json:"id"`
	Severity   countersign.Severity  `json:"severity"`
	Sentence   drawn                 `json:"sentence"`
	Because    drawn                 `json:"because"`
	Facts      []viewFact            `json:"facts"`
	Command    viewCommand           `json:"command"`
	Touches    []viewTouch           `json:"touches"`
	Unknown    drawn                 `json:"unknown"`
	Why        Why                   `json:"why"`
	Indicators []viewIndicator       `json:"indicators"`
	Claim      drawn                 `json:"claim"`
	Bounds     string                `json:"bounds"`
	Stages     []viewStage           `json:"stages"`
	Reason     bool                  `json:"reason"`
	Barred     []viewBarred          `json:"barred"`
	Obstacles  []drawn               `json:"obstacles"`
}

type (
	viewFact struct {
		Name   string `json:"name"`
		Value  drawn  `json:"value"`
		Detail drawn  `json:"detail"`
	}
	viewCommand struct {
		Kind   string             `json:"kind"`
		Digest countersign.Digest `json:"digest"`
		Words  string             `json:"words"`
		Title  viewLine           `json:"title"`
		Lines  []viewLine         `json:"lines"`
		AsSent drawn              `json:"as_sent"`
		End    End                `json:"end"`
	}
	viewLine struct {
		Path   drawn      `json:"path,omitempty"`
		Number int        `json:"number,omitempty"`
		Value  drawn      `json:"value"`
		Notes  []viewNote `json:"notes,omitempty"`
	}
	viewNote struct {
		Severity countersign.Severity `json:"severity"`
		Says     drawn                `json:"says"`
		ID       string               `json:"id"`
	}
	viewTouch struct {
		Name      drawn                 `json:"name"`
		Verb      string                `json:"verb"`
		Classes   string                `json:"classes"`
		Count     string                `json:"count"`
		Certainty countersign.Certainty `json:"certainty"`
	}
	viewIndicator struct {
		Severity countersign.Severity `json:"severity"`
		ID       string               `json:"id"`
		Says     drawn                `json:"says"`
	}
	viewStage struct {
		Groups    []string              `json:"groups"`
		Quorum    int                   `json:"quorum"`
		Assurance countersign.Assurance `json:"assurance"`
		Says      string                `json:"says"`
	}
	viewBarred struct {
		Who drawn  `json:"who"`
		Why string `json:"why"`
	}
)

// drawn is a Text as it is hashed: of each span first how it is drawn, then its
// text. It takes a third of the room that the JSON of a Text does, which keeps
// the most hostile command within what canon writes.
type drawn []string

func draw(t Text) drawn {
	d := make(drawn, 0, 2*len(t))
	for _, s := range t {
		how := string(s.Role)
		if s.Severity != countersign.Info {
			how += " " + s.Severity.String()
		}
		if s.Label != "" {
			how += " " + s.Label
		}
		d = append(d, how, s.Text)
	}
	return d
}

// Digest is the view digest: SHA-256("countersign/view/v1" 0x0A canonical JSON)
// over all of the Brief but its votes, time left, history and outcome. The zero
// digest names no view, and nobody may decide on it.
func (b Brief) Digest() countersign.Digest {
	canonical, err := canon.Marshal(b.view())
	if err != nil {
		return countersign.Digest{}
	}
	h := sha256.New()
	h.Write([]byte("countersign/view/v1\n"))
	h.Write(canonical)
	return countersign.Digest(h.Sum(nil))
}

func (b Brief) view() view {
	v := view{
		Version: viewVersion, ID: b.ID, Severity: b.Severity, Sentence: draw(b.Sentence), Because: draw(b.Because),
		Command: b.Command.view(), Unknown: draw(b.Touches.Unknown), Why: b.Why,
		Claim: draw(b.Claim), Bounds: b.Bounds, Reason: b.Deciders.Reason,
	}
	for _, f := range b.Facts {
		v.Facts = append(v.Facts, viewFact{f.Name, draw(f.Value), draw(f.Detail)})
	}
	for _, t := range b.Touches.Objects {
		v.Touches = append(v.Touches, viewTouch{draw(t.Name), t.Verb, t.Classes, t.Count, t.Certainty})
	}
	for _, i := range b.Indicators {
		v.Indicators = append(v.Indicators, viewIndicator{i.Severity, i.ID, draw(i.Says())})
	}
	for _, s := range b.Deciders.Stages {
		v.Stages = append(v.Stages, viewStage{s.Groups, s.Quorum, s.Assurance, s.Says})
	}
	for _, who := range b.Deciders.Barred {
		v.Barred = append(v.Barred, viewBarred{draw(who.Who), who.Why})
	}
	for _, o := range b.Obstacles {
		v.Obstacles = append(v.Obstacles, draw(o))
	}
	return v
}

func (c Command) view() viewCommand {
	v := viewCommand{Kind: c.Kind, Digest: c.Digest, Words: strings.Join(c.Words[:], " "),
		Title: c.Title.view(), AsSent: draw(c.AsSent), End: c.End}
	for _, line := range c.Lines {
		v.Lines = append(v.Lines, line.view())
	}
	return v
}

func (line Line) view() viewLine {
	v := viewLine{Path: draw(line.Path), Number: line.Number, Value: draw(line.Value)}
	for _, n := range line.Notes {
		v.Notes = append(v.Notes, viewNote{n.Severity, draw(n.Says), n.ID})
	}
	return v
}
