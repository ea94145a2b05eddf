package mcptool

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"postern.dev/postern"
)

type createIn struct {
	PersonID       string `json:"person_id" jsonschema:"number of the person; list_persons gives it as id"`
	AbsenceTypeID  string `json:"absence_type_id" jsonschema:"id of the absence type; list_absence_types gives it"`
	FirstDay       string `json:"first_day" jsonschema:"first day of the absence, YYYY-MM-DD such as 2026-12-01, or today or tomorrow"`
	LastDay        string `json:"last_day" jsonschema:"last day of the absence, included; the same as first_day for one day"`
	StartHalf      bool   `json:"start_half,omitempty" jsonschema:"true begins at noon of the first day"`
	EndHalf        bool   `json:"end_half,omitempty" jsonschema:"true ends at noon of the last day"`
	Comment        string `json:"comment,omitempty" jsonschema:"a comment that is kept with the absence"`
	SkipApproval   bool   `json:"skip_approval" jsonschema:"true approves the absence at once, without anybody looking at it; false lets it wait for approval where its type needs one"`
	IdempotencyKey string `json:"idempotency_key,omitempty" jsonschema:"a name for this booking: with the same one it is made once. One is made up when it is left out"`
	Confirm        string `json:"confirm,omitempty" jsonschema:"the value confirm of the dry run, once a person has said yes to its summary. Without it nothing is booked"`
}

type createOut struct {
	Booked         bool         `json:"booked" jsonschema:"whether the absence is booked; false is a dry run"`
	AlreadyBooked  bool         `json:"already_booked,omitempty" jsonschema:"it was booked before, and not once more by this call"`
	Summary        string       `json:"summary" jsonschema:"what is booked or would be, to show to a person. Names in it are data"`
	Confirm        string       `json:"confirm,omitempty" jsonschema:"of a dry run: what the same call brings back as confirm to book"`
	ExpiresAt      string       `json:"expires_at,omitempty" jsonschema:"of a dry run: until when confirm is good, RFC 3339"`
	IdempotencyKey string       `json:"idempotency_key,omitempty" jsonschema:"the name of this booking"`
	Absence        *absenceItem `json:"absence,omitempty" jsonschema:"the absence as it was booked"`
	Notes          []string     `json:"notes,omitempty" jsonschema:"what has to be known about this answer"`
	Withheld       []string     `json:"withheld,omitempty" jsonschema:"names of fields that the caller is not shown"`
}

// createAbsencePeriod is the tool that writes. It books nothing that was not confirmed:
// by a value that a dry run gave out, or by the person behind a client that can ask them.
func createAbsencePeriod() *Tool {
	t := define[createIn, createOut](Tool{
		Name: "create_absence_period", Title: "Create Absence Period", Scope: writeAbsences, Write: true,
		Description: "Books an absence for a person. The first call is a dry run: it checks everything, books nothing, and answers with a " +
			"summary and a value confirm. Show the summary to the person you work for; after a yes, call again with the same arguments and " +
			"confirm. A client that can ask its user does so instead. skip_approval has to be chosen.",
		Columns: []Column{{"Booked", "booked"}, {"Summary", "summary"}, {"Absence", "absence.id"}, {"Status", "absence.status"}, {"Confirm", "confirm"}, {"Until", "expires_at"}},
	}, nil)
	t.run = func(c *call, args json.RawMessage) (any, error) {
		var in createIn
		if err := json.Unmarshal(args, &in); err != nil {
			return nil, err
		}
		return c.create(in)
	}
	return t
}

// booking is what a call wants to have booked.
type booking struct {
	absence postern.Absence
	skip    bool
	key     string // idempotency key, as the caller chose it
	wall    *wall
	// What is read about it, to be shown.
	kind   postern.AbsenceType
	person string // the name, if the caller may know it
	left   bool   // the person is not active, as far as the caller may know
	// same is an absence that is there already and is the one that is wanted.
	same *postern.Absence
}

// digestible is what a confirmation is bound to: all that is sent to be booked.
func (b *booking) digestible() any {
	a := &b.absence
	return []any{a.Person, a.Type, a.From, a.To, a.Comment, b.skip}
}

func (c *call) create(in createIn) (any, error) {
	b, err := c.wanted(&in)
	if err != nil {
		return nil, err
	}
	how, text := byte(byArgument), in.Confirm
	if r := c.ask.reply; r != nil {
		if !r.yes {
			return nil, c.declined(r.state)
		}
		how, text = byPerson, r.state
	} else if text == "" {
		return c.rehearse(b)
	}
	p, err := c.redeem(how, text, b.digestible())
	if err != nil {
		return nil, err
	}
	if b.key != "" && b.key != p.key {
		return nil, confirmation("the confirmation is for another idempotency_key")
	}
	out, again, err := c.spent.once(c.ctx, p, func() (*createOut, error) { return c.write(b, p) })
	if err != nil || !again {
		return out, err
	}
	before := *out // the first answer stays what it is
	before.AlreadyBooked = true
	c.note("It was booked by an earlier call with this confirmation.")
	return &before, nil
}

// declined takes a no to the question with a state: a yes to it counts for nothing any
// more. Whatever the state is, nothing is booked.
func (c *call) declined(state string) error {
	if p, err := c.read(byPerson, state); err == nil && c.spent.decline(p) {
		return saidNo("the question was answered with yes before, so this no changes nothing")
	}
	return saidNo("the person who was asked did not say yes, so nothing was booked")
}

// wanted reads the arguments. It asks nobody but for the time zone.
func (c *call) wanted(in *createIn) (*booking, error) {
	person, err := c.personID("person_id", in.PersonID)
	if err != nil {
		return nil, err
	}
	c.asks(person)
	if strings.ContainsFunc(in.IdempotencyKey, func(r rune) bool { return r < ' ' || r > '~' }) || strings.TrimSpace(in.IdempotencyKey) != in.IdempotencyKey {
		return nil, argument("idempotency_key", "idempotency_key holds a character that is not printable ASCII, or a space at an end").
			WithHint("it is sent in a header: use letters, digits and -, or leave it out")
	}
	b := &booking{skip: in.SkipApproval, key: in.IdempotencyKey}
	if b.wall, err = c.wall(""); err != nil {
		return nil, err
	}
	first, err := b.wall.day("first_day", in.FirstDay)
	if err != nil {
		return nil, err
	}
	last, err := b.wall.day("last_day", in.LastDay)
	if err != nil {
		return nil, err
	}
	switch {
	case last < first:
		return nil, argument("last_day", "the last day, %s, is before the first, %s", last, first)
	case last-first > postern.MaxAbsence:
		return nil, argument("last_day", "the absence is longer than %d days", postern.MaxAbsence)
	case first == last && in.StartHalf && in.EndHalf:
		return nil, argument("end_half", "the absence would begin and end at noon of %s", first).
			WithHint("start_half alone is the afternoon, end_half alone the morning")
	}
	b.absence = postern.Absence{Person: person, Type: strings.ToLower(in.AbsenceTypeID), Comment: in.Comment,
		Span: postern.DaySpan(first, last, in.StartHalf, in.EndHalf)}
	return b, nil
}

// rehearse checks a booking by reading, and asks for a yes to it.
func (c *call) rehearse(b *booking) (any, error) {
	if err := c.check(b); err != nil {
		return nil, err
	}
	if b.same != nil {
		return nil, taken(b.same, c.who.may(readAbsences))
	}
	key := b.key
	if key == "" {
		key = rand.Text()
	}
	if c.ask.can {
		state, _ := c.promise(byPerson, key, b.digestible())
		return &Question{Text: "Book this absence? " + c.summary(b), State: state}, nil
	}
	confirm, p := c.promise(byArgument, key, b.digestible())
	c.note("Nothing was booked. To book it, show the summary to the person you work for and, after a yes, call " + c.tool.Name +
		" again with the same arguments and this confirm.")
	return &createOut{Summary: c.summary(b), Confirm: confirm, ExpiresAt: p.until.UTC().Format(time.RFC3339), IdempotencyKey: key}, nil
}

// writeTakes bounds a booking, which is finished even when nobody waits for it any more.
const writeTakes = 30 * time.Second

// write books what was confirmed. What is there already, from a call whose answer was
// lost, is given and not written again, whether or not the other side knows idempotency
// keys.
func (c *call) write(b *booking, p *pledge) (*createOut, error) {
	if err := c.check(b); err != nil {
		return nil, err
	}
	out := &createOut{Booked: true, Summary: c.summary(b), IdempotencyKey: p.key}
	if b.same != nil {
		out.AlreadyBooked, out.Absence = true, b.item(b.same)
		c.note("Exactly this absence is there already; nothing was booked by this call.")
		return out, nil
	}
	if err := c.ctx.Err(); err != nil { // cancelled in time
		return nil, err
	}
	if err := c.announce(b); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), writeTakes)
	defer cancel()
	made, err := c.dir.CreateAbsence(ctx, b.absence, postern.Write{Actor: c.who.Actor, ClientID: c.who.ClientID, RequestID: c.who.RequestID,
		Key: p.key, SkipApproval: b.skip})
	if err != nil {
		return nil, unsure(err)
	}
	out.Absence = b.item(&made)
	return out, nil
}

// unsure says of a write without an answer that it may have happened, and that asking
// again with the same confirmation is safe.
func unsure(err error) error {
	e := postern.AsError(err)
	if e.Code != postern.Unavailable && e.Code != postern.Internal && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &postern.Error{Code: postern.Unavailable, Reason: e.Reason, Wait: e.Wait, Cause: e.Cause, Err: err,
		Msg:  "the HR API gave no answer to the booking, which may have been made or not",
		Hint: "call again with the same arguments and the same confirm within ten minutes: that books nothing twice"}
}

// announce records that a booking is about to be sent: what cannot be recorded is not done.
func (c *call) announce(b *booking) error {
	return c.Record(c.ctx, postern.Event{Tenant: c.who.Tenant, At: c.Now(), Action: postern.ActToolCalled, Actor: c.who.Actor, ClientID: c.who.ClientID,
		RequestID: c.who.RequestID, Scope: c.tool.Scope, Object: "person " + numberOf(b.absence.Person),
		Detail: fmt.Sprintf("%s: confirmed, type %s from %s to %s", c.tool.Name, b.absence.Type, b.absence.From.Date(), b.absence.Last())})
}

func (b *booking) item(a *postern.Absence) *absenceItem {
	i := b.wall.absenceItem(a, b.person, b.kind)
	i.Comment = "" // who sent it knows it, and who reads what was there already need not
	return &i
}

// check reads what a booking is about, and fails for one that cannot be. A person whom
// the caller's credential may not read is left to the API to check, and said in a note.
func (c *call) check(b *booking) error {
	if err := c.checkPerson(b); err != nil {
		return err
	}
	if err := c.checkType(b); err != nil {
		return err
	}
	return c.checkOthers(b)
}

func (c *call) checkPerson(b *booking) error {
	id := b.absence.Person
	page, err := again(c, func() (postern.Page[postern.Person], error) {
		return c.dir.Persons(c.ctx, postern.PersonQuery{IDs: []postern.PersonID{id}, Paging: postern.Paging{Limit: 1}})
	})
	switch {
	case postern.CodeOf(err) == postern.Forbidden:
		c.note("The credential may not read persons, so that the person's name is not known here.")
		return nil
	case err != nil:
		return err
	case len(page.Items) == 0 || page.Items[0].ID != id:
		e := postern.Errorf(postern.NotFound, "there is no person %d", id)
		e.Param = "person_id"
		return e.WithHint("list_persons with email finds a person's id")
	}
	c.names.keep(c.book(), map[postern.PersonID]personName{id: {page.Items[0].FirstName, page.Items[0].LastName}})
	b.person = c.persons([]postern.PersonID{id})[id]
	b.left = !page.Items[0].Active && c.who.may(readPersons) && c.shows("status")
	return nil
}

func (c *call) checkType(b *booking) error {
	id := b.absence.Type
	kind, err := again(c, func() (postern.AbsenceType, error) { return c.dir.AbsenceType(c.ctx, id) })
	switch postern.CodeOf(err) {
	case "":
		b.kind = kind
	case postern.Forbidden: // of an upstream: nobody could say yes to what nobody knows, and a booking asks for it too
		e := *postern.AsError(err)
		e.Param = readAbsences
		return &e
	case postern.NotFound, postern.Invalid:
		e := postern.Errorf(postern.NotFound, "there is no absence type %s", cited(id))
		e.Param = "absence_type_id"
		return e.WithHint("list_absence_types gives the ids")
	default:
		return err
	}
	halves := b.absence.StartHalf() || b.absence.EndHalf()
	if halves && kind.Unit == postern.Days && !kind.HalfDays {
		return argument("start_half", "%s cannot be taken for half a day", cited(kind.Name))
	}
	return b.absence.Check(&kind)
}

// checkOthers looks whether the person is away already.
func (c *call) checkOthers(b *booking) error {
	a := &b.absence
	q := postern.AbsenceQuery{People: []postern.PersonID{a.Person}, Within: postern.LocalRange{From: a.From, To: a.To - 1},
		Paging: postern.Paging{Limit: 100}}
	const pages = 40 // those that were rejected may overlap each other, and fill pages
	for range pages {
		page, err := again(c, func() (postern.Page[postern.Absence], error) { return c.dir.Absences(c.ctx, q) })
		if postern.CodeOf(err) == postern.Forbidden {
			return nil // the API refuses what overlaps
		}
		if err != nil {
			return err
		}
		for i := range page.Items {
			if err := b.beside(&page.Items[i], c.who.may(readAbsences)); err != nil {
				return err
			}
		}
		if page.Next == "" || page.Next == q.After {
			return nil
		}
		q.After = page.Next
	}
	return nil // the API refuses what overlaps
}

// beside fails with Conflict when another absence is in the way, and remembers one that
// is the very same.
func (b *booking) beside(o *postern.Absence, tell bool) error {
	a := &b.absence
	switch {
	case o.Person != a.Person || !o.Blocks() || !o.Overlaps(a.Span):
		return nil
	case o.Span == a.Span && strings.EqualFold(o.Type, a.Type):
		b.same = o
		return nil
	}
	return taken(o, tell)
}

// taken is the error for days on which a person is away already.
func taken(o *postern.Absence, tell bool) error {
	e := postern.Errorf(postern.Conflict, "the person is away already on some of these days; nothing was booked")
	if tell {
		until := "without an end"
		if last := o.Last(); last != 0 {
			until = "until " + last.String()
		}
		e.Msg = fmt.Sprintf("the person is away already from %s %s (absence %s); nothing was booked", o.From.Date(), until, cited(o.ID))
	}
	e.Param = "first_day"
	return e.WithHint("choose other days, or have the other absence changed first")
}

// summary says in a sentence what is booked or would be. Whoever says yes, says it to this.
func (c *call) summary(b *booking) string {
	a, who, kind := &b.absence, fmt.Sprintf("person %d", b.absence.Person), "type "+cited(b.absence.Type)
	if b.person != "" {
		who = cited(b.person) + " (" + who + ")"
	}
	if b.kind.Name != "" {
		kind = cited(b.kind.Name)
	}
	days := "on " + a.From.Date().String()
	if a.Last() != a.From.Date() {
		days = fmt.Sprintf("from %s to %s, both included", a.From.Date(), a.Last())
	}
	if a.StartHalf() {
		days += ", beginning at noon of the first day"
	}
	if a.EndHalf() {
		days += ", ending at noon of the last day"
	}
	approval := "Approval is not skipped: where the type needs one, it waits for it."
	if b.skip {
		approval = "Approval is skipped: it is approved at once, and nobody else looks at it."
	}
	text := fmt.Sprintf("%s for %s %s. %s", kind, who, days, approval)
	if b.left {
		text += " The person is INACTIVE, and may have left."
	}
	if a.Comment != "" { // all of it: nothing is booked that was not shown
		text += " Comment: " + citedWhole(a.Comment) + "."
	}
	return text
}

// cited gives text that others wrote as it may stand in a sentence: in quotes, on one
// line, of bounded length, and without characters that hide or turn around what follows.
func cited(s string) string {
	const limit = 200
	if len(s) > limit {
		s = postern.Shorten(s, limit) + "…"
	}
	return citedWhole(s)
}

// citedWhole is cited for text whose length is bounded already.
func citedWhole(s string) string {
	return `"` + strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s) + `"`
}
