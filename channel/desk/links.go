package desk

import (
	"context"
	"errors"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/identity/chat"
)

// Code makes a one-time code for the person, who is signed in to the console, to
// type in the chat.
func (d *Desk) Code(ctx context.Context, in string, p chat.Proof) (code string, ends time.Time, err error) {
	if _, ok := d.chats[in]; !ok {
		return "", ends, &countersign.Error{Code: countersign.CodeNotFound, Detail: "no chat " + in + " is connected", Hint: "add it under channels: in the configuration"}
	}
	return d.codes.Make(ctx, in, p)
}

// Link implements channel.Desk.
func (w *window) Link(ctx context.Context, who channel.Account, code string) (channel.Answer, error) {
	console := w.chat.Setting.Console + "/account"
	if who.Outsider != "" {
		return channel.Answer{Says: "You are " + who.Outsider + " here, and cannot be linked.", Code: countersign.CodeForbidden}, nil
	}
	if code == "" {
		return channel.Answer{Says: "Sign in to the console; it shows a code to type here.", OpenURL: console}, nil
	}
	proof, err := w.codes.Take(ctx, w.name, code)
	if err == nil {
		if err = w.link(ctx, who, proof); faulty(err) {
			return channel.Answer{}, errors.Join(err, w.codes.Return(context.WithoutCancel(ctx), proof))
		}
	}
	if p, ok, _ := w.Person(ctx, who); ok && countersign.CodeOf(err) == countersign.CodeNotFound {
		return channel.Answer{Says: "Your account here is " + p.Name + "'s already."}, nil // the delivery came again
	}
	if faulty(err) {
		return channel.Answer{}, err
	}
	if refused, ok := errors.AsType[*countersign.Error](err); ok {
		return w.refusal(refused, channel.Card{OpenURL: console}), nil
	}
	p, _, err := w.Person(ctx, who)
	return channel.Answer{Says: "Your account here is " + p.Name + "'s from now on. If that is not you, unlink it at once."}, err
}

// faulty reports whether an error is a fault of ours, to be tried again, and no
// refusal.
func faulty(err error) bool {
	refused, ok := errors.AsType[*countersign.Error](err)
	return err != nil && (!ok || refused.Code == countersign.CodeUnavailable || refused.Code == countersign.CodeInternal)
}

func (w *window) link(ctx context.Context, who channel.Account, proof chat.Proof) error {
	dir, err := w.core.Directory(ctx)
	if err != nil {
		return err
	}
	l := countersign.Link{Chat: w.name, Workspace: who.Workspace, Account: who.ID, Name: who.Name, Person: proof.Person}
	return w.core.Link(ctx, w.actor(dir, who, proof.Person, proof.Method, proof.AuthTime), l)
}

// Unlink implements channel.Desk.
func (w *window) Unlink(ctx context.Context, who channel.Account) (channel.Answer, error) {
	dir, err := w.core.Directory(ctx)
	if err != nil {
		return channel.Answer{}, err
	}
	id := countersign.LinkID(w.name, who.Workspace, who.ID)
	l, ok := dir.Links[id]
	if !ok {
		return channel.Answer{Says: "Your account here is linked to nobody."}, nil
	}
	if err := w.core.Unlink(ctx, w.actor(dir, who, l.Person, "chat", l.Since), id, "from the chat"); err != nil {
		return channel.Answer{}, err
	}
	return channel.Answer{Says: "Your account here is linked to nobody any more."}, nil
}

// Person implements channel.Desk.
func (w *window) Person(ctx context.Context, who channel.Account) (countersign.Person, bool, error) {
	if who.Outsider != "" {
		return countersign.Person{}, false, nil
	}
	dir, err := w.core.Directory(ctx)
	if err != nil {
		return countersign.Person{}, false, err
	}
	p, ok := dir.LinkedTo(countersign.LinkID(w.name, who.Workspace, who.ID))
	return p, ok, nil
}

// actor is the person as they act through the account.
func (w *window) actor(dir *countersign.Directory, who channel.Account, person, method string, since time.Time) countersign.Who {
	return countersign.Who{
		Actor: dir.People[person].Principal(), Method: method, AuthTime: since,
		Origin: countersign.Origin{Door: w.name, Peer: of(who), Client: who.Name},
	}
}
