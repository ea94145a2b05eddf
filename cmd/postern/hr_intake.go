package main

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// intake is an import under way: it reads rows, finds what they name by other things
// than its number, and hands them to the database.
type intake struct {
	kind    kind
	place   *place
	tenant  postern.Tenant
	dir     *store.Directory
	partial bool
	dryRun  bool

	columns []column     // of the file, where it is a table
	errors  []rowError   // what is wrong, no more than is of use
	broken  map[int]bool // lines that could not be read
	fatal   error        // nothing more can be read
	persons map[string]postern.PersonID
	types   map[string]string // names to ids; nil until they are asked for
}

// partialBatch is how many rows the database stores at a time where some may be bad.
const partialBatch = 1000

// maxKnownEmails bounds how many addresses are remembered.
const maxKnownEmails = 100_000

func (in *intake) run(ctx context.Context, rows iter.Seq2[read, error], progress func(int)) (importView, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in.broken, in.persons = map[int]bool{}, map[string]postern.PersonID{}
	report, err := in.dir.Import(ctx, in.stored(ctx, cancel, rows), store.ImportOptions{
		Write: postern.Write{Actor: in.place.actor()}, DryRun: in.dryRun, Partial: in.partial, Progress: progress})
	if in.fatal != nil {
		if e := postern.AsError(in.fatal); in.partial && !in.dryRun && report.Created+report.Updated >= partialBatch {
			return importView{}, postern.Errorf(e.Code, "%s", postern.Public(e)).
				WithHint("mend the file; rows before this one are stored already, those of whole thousands")
		}
		return importView{}, in.fatal
	}
	if err != nil {
		return importView{}, err
	}
	for _, f := range report.Failed {
		if !in.broken[f.Line] {
			column, name := in.kind.nth(in.columns, f.Param)
			in.complain(rowError{f.Line, column, name, postern.AsError(f.Err)})
		}
	}
	slices.SortStableFunc(in.errors, func(a, b rowError) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column)) })
	v := importView{Tenant: in.tenant.ID, Kind: in.kind.name, DryRun: in.dryRun, Created: report.Created, Updated: report.Updated,
		Refused: report.Bad, Errors: []complaintView{}}
	for _, e := range in.errors[:min(len(in.errors), maxComplaints)] {
		v.Errors = append(v.Errors, complaintView{e.line, e.column, e.name, postern.Public(e.err), e.err.Hint})
	}
	return v, nil
}

// complain keeps what is wrong, as long as there is room.
func (in *intake) complain(e rowError) {
	if len(in.errors) < 2*store.MaxRowErrors {
		in.errors = append(in.errors, e)
	}
}

// stored gives the rows to the database. A row that could not be read goes there as one
// that cannot be stored, so that the database knows to store none, or counts it.
func (in *intake) stored(ctx context.Context, cancel func(), rows iter.Seq2[read, error]) iter.Seq2[int, store.Row] {
	return func(yield func(int, store.Row) bool) {
		for r, err := range rows {
			if err == nil && len(r.failed) == 0 {
				err = in.resolve(ctx, &r)
			}
			if err != nil {
				in.fatal = err
				cancel()
				yield(r.line, in.kind.row(in.kind.nothing()))
				return
			}
			in.columns = r.columns
			noun := in.kind.nothing()
			if len(r.failed) == 0 {
				noun = r.draft.noun
			} else if len(in.broken) < store.MaxRowErrors {
				in.broken[r.line] = true
				for _, f := range r.failed {
					in.complain(f)
				}
			}
			if !yield(r.line, in.kind.row(noun)) {
				return
			}
		}
	}
}

// resolve finds the person and the absence type that a row names by address and by
// name. What is not there is a fault of the row.
func (in *intake) resolve(ctx context.Context, r *read) error {
	d := r.draft
	if d.email != "" {
		at := in.kind.person(d.noun)
		column, name := in.kind.nth(r.columns, "person_email")
		id, err := in.personOf(ctx, postern.CanonicalEmail(d.email))
		switch {
		case err != nil:
			return err
		case id == 0:
			r.fail(column, name, bad("there is no person with the address %q", d.email).WithHint("import persons first"))
		case *at != 0 && *at != id:
			r.fail(column, name, bad("%q is not the address of the person in person_id", d.email))
		}
		*at = id
	}
	if d.absenceType == "" {
		return nil
	}
	a := d.noun.(*absence)
	column, name := in.kind.nth(r.columns, "absence_type")
	id, err := in.typeOf(ctx, d.absenceType)
	switch {
	case err != nil:
		return err
	case id == "":
		r.fail(column, name, bad("there is no absence type %q, or more than one", d.absenceType).
			WithHint("`postern hr export absence-types --tenant %s` shows them", in.tenant.ID))
	case a.Type != "" && a.Type != id:
		r.fail(column, name, bad("%q is not the name of the type in absence_type_id", d.absenceType))
	}
	a.Type = id
	return nil
}

// personOf finds a person by address, 0 if nobody has it.
func (in *intake) personOf(ctx context.Context, email string) (postern.PersonID, error) {
	if id, ok := in.persons[email]; ok {
		return id, nil
	}
	page, err := in.dir.Persons(ctx, postern.PersonQuery{Emails: []string{email}, Paging: postern.Paging{Limit: 1}})
	if err != nil {
		return 0, err
	}
	if len(in.persons) >= maxKnownEmails {
		clear(in.persons)
	}
	for _, p := range page.Items {
		in.persons[email] = p.ID
	}
	return in.persons[email], nil
}

// typeOf finds an absence type by name, "" if there is none or more than one.
func (in *intake) typeOf(ctx context.Context, name string) (string, error) {
	if in.types == nil {
		in.types = map[string]string{}
		for t, err := range absenceTypeKind().rows(ctx, in.dir) {
			if err != nil {
				return "", err
			}
			t := t.(*absType)
			if _, twice := in.types[t.Name]; twice {
				t.ID = ""
			}
			in.types[t.Name] = t.ID
		}
	}
	return in.types[name], nil
}
