package main

import (
	"context"
	"iter"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
	"postern.dev/postern/store"
)

// kind is one sort of rows that can be imported and exported.
type kind struct {
	name    string
	columns []column
	// blank gives a pointer to a new noun with what holds unless a row says otherwise.
	blank func() any
	// row makes a row of the database of what a pointer leads to.
	row func(any) store.Row
	// nothing gives a pointer to a noun that breaks its rules.
	nothing func() any
	// person gives the member that says whose it is; nil where nothing does.
	person func(any) *postern.PersonID
	// rows reads everything of the kind, as pointers, in an order that does not change.
	rows func(ctx context.Context, dir postern.Directory) iter.Seq2[any, error]
}

// kinds lists what `postern hr import` and `postern hr export` take, in the order in
// which an empty tenant wants them.
func kinds() []kind {
	return []kind{personKind(), employmentKind(), absenceTypeKind(), absenceKind(), attendanceKind()}
}

// kindNames gives the names of every kind.
func kindNames() (names []string) {
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func kindNamed(name string) (kind, error) {
	for _, k := range kinds() {
		if k.name == name {
			return k, nil
		}
	}
	e := postern.Errorf(postern.Invalid, "there is no kind %q", postern.Shorten(name, 40))
	if meant := near.Of(name, kindNames()); meant != "" {
		return kind{}, errMisused{e.WithHint("did you mean %s?", meant)}
	}
	return kind{}, errMisused{e.WithHint("the kinds are %s", strings.Join(kindNames(), ", "))}
}

// byEmail names the person of a row by address.
func byEmail() column {
	return column{name: "person_email", instead: "person_id",
		set: func(d *draft, f field) error { d.email = f.text; return nil }}
}

type (
	person     = postern.Person
	employment = postern.Employment
	absType    = postern.AbsenceType
	absence    = postern.Absence
	attendance = postern.Attendance
)

func personKind() kind {
	return kind{name: "persons",
		blank:   func() any { return &person{} },
		nothing: func() any { return &person{} },
		row:     func(p any) store.Row { return store.PersonRow{Person: *p.(*person)} },
		columns: []column{
			whole("id", func(p *person) *postern.PersonID { return &p.ID }),
			text("first_name", func(p *person) *string { return &p.FirstName }).needed(),
			text("last_name", func(p *person) *string { return &p.LastName }).needed(),
			text("preferred_name", func(p *person) *string { return &p.PreferredName }),
			text("email", func(p *person) *string { return &p.Email }),
			text("gender", func(p *person) *postern.Gender { return &p.Gender }),
			text("language_code", func(p *person) *string { return &p.Language }),
			boolean("has_picture", func(p *person) *bool { return &p.Picture }),
			instant("created_at", func(p *person) *time.Time { return &p.CreatedAt }),
			instant("updated_at", func(p *person) *time.Time { return &p.UpdatedAt }),
			attributesColumn(),
		},
		rows: func(ctx context.Context, dir postern.Directory) iter.Seq2[any, error] {
			return walk(func(p postern.Paging) (postern.Page[person], error) {
				return dir.Persons(ctx, postern.PersonQuery{Paging: p})
			})
		},
	}
}

func employmentKind() kind {
	type e = employment
	return kind{name: "employments",
		blank:   func() any { return &e{Status: postern.EmploymentActive, Type: postern.EmploymentTypes[0]} },
		nothing: func() any { return &e{} },
		row:     func(p any) store.Row { return store.EmploymentRow{Employment: *p.(*e)} },
		person:  func(p any) *postern.PersonID { return &p.(*e).Person },
		columns: []column{
			text("id", func(e *e) *string { return &e.ID }),
			whole("person_id", func(e *e) *postern.PersonID { return &e.Person }).needed(), byEmail(),
			text("position", func(e *e) *string { return &e.Position }),
			text("status", func(e *e) *postern.EmploymentStatus { return &e.Status }),
			text("type", func(e *e) *string { return &e.Type }),
			date("employment_start_date", func(e *e) *postern.Date { return &e.Start }).needed(),
			date("employment_end_date", func(e *e) *postern.Date { return &e.End }),
			date("probation_end_date", func(e *e) *postern.Date { return &e.ProbationEnd }),
			date("contract_end_date", func(e *e) *postern.Date { return &e.ContractEnd }),
			decimal("weekly_working_hours", func(e *e) *float64 { return &e.WeeklyHours }),
			decimal("full_time_weekly_working_hours", func(e *e) *float64 { return &e.FullTimeHours }),
			schedule("work_schedule", func(e *e) *postern.Schedule { return &e.Schedule }),
			text("holidays", func(e *e) *string { return &e.Holidays }),
			whole("supervisor_id", func(e *e) *postern.PersonID { return &e.Supervisor }),
			text("office_id", func(e *e) *string { return &e.Office.ID }),
			text("office_name", func(e *e) *string { return &e.Office.Name }),
			text("department_id", func(e *e) *string { return &e.Department.ID }),
			text("department_name", func(e *e) *string { return &e.Department.Name }),
			text("team_id", func(e *e) *string { return &e.Team.ID }),
			text("team_name", func(e *e) *string { return &e.Team.Name }),
			text("legal_entity_id", func(e *e) *string { return &e.LegalEntity.ID }),
			text("legal_entity_name", func(e *e) *string { return &e.LegalEntity.Name }),
			centers("cost_centers", func(e *e) *[]postern.CostCenter { return &e.CostCenters }),
			date("termination_date", func(e *e) *postern.Date { return &e.Termination.Date }),
			date("last_working_day", func(e *e) *postern.Date { return &e.Termination.LastWorkingDay }),
			date("terminated_at", func(e *e) *postern.Date { return &e.Termination.At }),
			text("termination_type", func(e *e) *string { return &e.Termination.Type }),
			text("termination_reason", func(e *e) *string { return &e.Termination.Reason }),
			instant("created_at", func(e *e) *time.Time { return &e.CreatedAt }),
			instant("updated_at", func(e *e) *time.Time { return &e.UpdatedAt }),
		},
		rows: allEmployments,
	}
}

// allEmployments goes by the persons, whose employments come with them.
func allEmployments(ctx context.Context, dir postern.Directory) iter.Seq2[any, error] {
	persons := walk(func(p postern.Paging) (postern.Page[person], error) {
		return dir.Persons(ctx, postern.PersonQuery{Detail: true, Paging: p})
	})
	return func(yield func(any, error) bool) {
		for p, err := range persons {
			if err != nil {
				yield(nil, err)
				return
			}
			of := p.(*person).Employments
			for i := range of {
				if !yield(&of[i], nil) {
					return
				}
			}
		}
	}
}

func absenceTypeKind() kind {
	type t = absType
	return kind{name: "absence-types",
		blank:   func() any { return &t{} },
		nothing: func() any { return &t{} },
		row:     func(p any) store.Row { return store.AbsenceTypeRow{AbsenceType: *p.(*t)} },
		columns: []column{
			text("id", func(t *t) *string { return &t.ID }),
			whole("number", func(t *t) *int64 { return &t.Number }),
			text("name", func(t *t) *string { return &t.Name }).needed(),
			text("unit", func(t *t) *postern.Unit { return &t.Unit }).needed(),
			text("category", func(t *t) *string { return &t.Category }),
			boolean("needs_approval", func(t *t) *bool { return &t.NeedsApproval }),
			boolean("half_days", func(t *t) *bool { return &t.HalfDays }),
			decimal("entitlement", func(t *t) *float64 { return &t.Entitlement }),
			instant("created_at", func(t *t) *time.Time { return &t.CreatedAt }),
			instant("updated_at", func(t *t) *time.Time { return &t.UpdatedAt }),
		},
		rows: func(ctx context.Context, dir postern.Directory) iter.Seq2[any, error] {
			return walk(func(p postern.Paging) (postern.Page[t], error) { return dir.AbsenceTypes(ctx, p) })
		},
	}
}

func absenceKind() kind {
	type a = absence
	return kind{name: "absence-periods",
		blank:   func() any { return &a{Status: postern.Approved} },
		nothing: func() any { return &a{} },
		row:     func(p any) store.Row { return store.AbsenceRow{Absence: *p.(*a)} },
		person:  func(p any) *postern.PersonID { return &p.(*a).Person },
		columns: []column{
			text("id", func(a *a) *string { return &a.ID }),
			whole("number", func(a *a) *int64 { return &a.Number }),
			whole("person_id", func(a *a) *postern.PersonID { return &a.Person }).needed(), byEmail(),
			text("absence_type_id", func(a *a) *string { return &a.Type }).needed(),
			{name: "absence_type", instead: "absence_type_id", set: func(d *draft, f field) error { d.absenceType = f.text; return nil }},
			edge("starts_from", func(a *a) *postern.LocalTime { return &a.From }, false).needed(),
			edge("ends_at", func(a *a) *postern.LocalTime { return &a.To }, true),
			text("time_zone", func(a *a) *string { return &a.Zone }),
			text("status", func(a *a) *postern.Approval { return &a.Status }),
			text("comment", func(a *a) *string { return &a.Comment }),
			whole("substitute_id", func(a *a) *postern.PersonID { return &a.Substitute }),
			text("origin", func(a *a) *string { return &a.Origin }),
			text("created_by", func(a *a) *string { return &a.CreatedBy }),
			instant("created_at", func(a *a) *time.Time { return &a.CreatedAt }),
			instant("updated_at", func(a *a) *time.Time { return &a.UpdatedAt }),
			instant("approved_at", func(a *a) *time.Time { return &a.ApprovedAt }),
		},
		rows: func(ctx context.Context, dir postern.Directory) iter.Seq2[any, error] {
			return walk(func(p postern.Paging) (postern.Page[a], error) {
				return dir.Absences(ctx, postern.AbsenceQuery{Paging: p})
			})
		},
	}
}

func attendanceKind() kind {
	type a = attendance
	return kind{name: "attendance-periods",
		blank:   func() any { return &a{Type: postern.Work, Status: postern.Confirmed} },
		nothing: func() any { return &a{} },
		row:     func(p any) store.Row { return store.AttendanceRow{Attendance: *p.(*a)} },
		person:  func(p any) *postern.PersonID { return &p.(*a).Person },
		columns: []column{
			text("id", func(a *a) *string { return &a.ID }),
			whole("number", func(a *a) *int64 { return &a.Number }),
			whole("person_id", func(a *a) *postern.PersonID { return &a.Person }).needed(), byEmail(),
			text("type", func(a *a) *postern.AttendanceType { return &a.Type }),
			local("start", func(a *a) *postern.LocalTime { return &a.From }).needed(),
			local("end", func(a *a) *postern.LocalTime { return &a.To }),
			text("time_zone", func(a *a) *string { return &a.Zone }),
			date("date", func(a *a) *postern.Date { return &a.Date }),
			text("status", func(a *a) *postern.Approval { return &a.Status }),
			text("project_id", func(a *a) *string { return &a.Project }),
			text("comment", func(a *a) *string { return &a.Comment }),
			boolean("auto_generated", func(a *a) *bool { return &a.AutoGenerated }),
			instant("created_at", func(a *a) *time.Time { return &a.CreatedAt }),
			instant("updated_at", func(a *a) *time.Time { return &a.UpdatedAt }),
		},
		rows: func(ctx context.Context, dir postern.Directory) iter.Seq2[any, error] {
			return walk(func(p postern.Paging) (postern.Page[a], error) {
				return dir.Attendances(ctx, postern.AttendanceQuery{Paging: p})
			})
		},
	}
}

// walk reads every page and gives each item as a pointer.
func walk[T any](next func(postern.Paging) (postern.Page[T], error)) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for after := ""; ; {
			page, err := next(postern.Paging{Limit: postern.MaxPage, After: after})
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Items {
				if !yield(&page.Items[i], nil) {
					return
				}
			}
			if after = page.Next; after == "" {
				return
			}
		}
	}
}
