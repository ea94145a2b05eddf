package store

import (
	"context"
	"slices"
	"time"

	"postern.dev/postern"
)

// Attendances gives attendance in the order of its start, and then of its number, by
// person first where that is asked for; what was changed in a stretch of time comes in
// the order in which it was. What runs has no end to be found by. It fails with Invalid
// for bounds and positions that cannot be.
func (d *Directory) Attendances(ctx context.Context, q postern.AttendanceQuery) (out postern.Page[postern.Attendance], err error) {
	if err := checkLists(len(q.IDs), len(q.Projects), len(q.People)); err != nil {
		return out, err
	}
	w := d.attendanceWalk(&q)
	out, err = page(ctx, d, w, q.Paging, scanAttendance, w.attendanceKey)
	return out, d.db.fail(err, "attendance", "")
}

// attendanceKey gives the place of a period.
func (w *walk) attendanceKey(a *postern.Attendance) position {
	switch w.letter {
	case 'u':
		return position{millis(a.UpdatedAt), a.Number}
	case 'p':
		return position{int64(a.Person), int64(a.From), a.Number}
	}
	return position{int64(a.From), a.Number}
}

// attendanceWindow gives the bounds of begins, ends and day. No period is longer than
// MaxAttendance, and none counts for a day further than one from its start: so a bound
// of one is a bound of the start as well.
func attendanceWindow(q *postern.AttendanceQuery) (b window, days [2]int64) {
	b, days = window{farPast, farFuture, farPast, farFuture}, [2]int64{farPast, farFuture}
	if v := int64(q.Start.From); v != 0 {
		b.beginsFrom = v
	}
	if v := int64(q.Start.To); v != 0 {
		b.beginsTo = v
	}
	if q.End != (postern.LocalRange{}) {
		b.endsTo = openEnd - 1
	}
	if v := int64(q.End.From); v != 0 {
		b.endsFrom = v
		b.beginsFrom = max(b.beginsFrom, v-int64(postern.MaxAttendance/time.Second))
	}
	if v := int64(q.End.To); v != 0 {
		b.endsTo, b.beginsTo = v, min(b.beginsTo, v)
	}
	if v := q.Dates.From; v != 0 {
		days[0], b.beginsFrom = int64(v), max(b.beginsFrom, int64((v-1).At(0)))
	}
	if v := q.Dates.To; v != 0 {
		days[1], b.beginsTo = int64(v), min(b.beginsTo, int64((v+2).At(0)))
	}
	return b, days
}

// attendanceWalk chooses the index that leaves the fewest rows to look at.
func (d *Directory) attendanceWalk(q *postern.AttendanceQuery) *walk {
	b, days := attendanceWindow(q)
	updatedFrom, updatedTo := times(q.Updated)
	w := d.walk("attendances", attendanceColumns, 'b', "begins", "number")
	statuses := q.Statuses
	if len(statuses) == 0 {
		statuses = postern.AttendanceApprovals
	}
	kinds := []string{string(postern.Break), string(postern.Work)}
	if q.Type != "" {
		kinds = []string{cleanText(string(q.Type))}
	}
	projects := len(q.Projects) > 0
	switch {
	case q.ByPerson:
		w = d.walk("attendances", attendanceColumns, 'p', "person", "begins", "number")
		byPerson(w, q)
	case len(q.IDs) > 0:
		branches(w, "id", b.beginsFrom, b.beginsTo, q.IDs)
	case len(q.People) > 0:
		branches(w, "person", b.beginsFrom, b.beginsTo, q.People)
	case projects:
		branches(w, "project", b.beginsFrom, b.beginsTo, q.Projects)
		w.also, projects = " AND project <> ''", false
	case updatedFrom != farPast || updatedTo != farFuture:
		w = d.walk("attendances", attendanceColumns, 'u', "updated_at", "number")
		w.branch(updatedFrom, updatedTo)
	case !slices.Contains(statuses, postern.Confirmed):
		branches(w, "status", b.beginsFrom, b.beginsTo, textsOf(statuses))
		w.also = " AND status <> 'CONFIRMED'"
	default:
		branches(w, "kind", b.beginsFrom, b.beginsTo, kinds)
	}
	f := &w.filter
	if w.letter != 'b' {
		f.between("begins", b.beginsFrom, b.beginsTo)
	}
	if w.letter != 'u' {
		f.between("updated_at", updatedFrom, updatedTo)
	}
	f.between("ends", b.endsFrom, b.endsTo)
	f.between("day", days[0], days[1])
	if !f.lean || q.Type != "" {
		f.also("kind || '' IN (?, ?)", kinds[0], kinds[len(kinds)-1])
	}
	if !f.lean || len(q.Statuses) > 0 {
		oneOf(f, "status || ''", textsOf(statuses))
	}
	if len(q.IDs) > 0 {
		oneOf(f, "+person", numbersOf(q.People))
	}
	if projects {
		oneOf(f, "project || ''", storableOf(q.Projects))
	}
	return w
}

// byPerson makes the branches of the order that begins with the person.
func byPerson(w *walk, q *postern.AttendanceQuery) {
	switch {
	case len(q.IDs) > 0:
		branches(w, "id", farPast, farFuture, q.IDs)
	case len(q.People) > 0:
		branches(w, "person", farPast, farFuture, q.People)
	default:
		w.branch(farPast, farFuture)
	}
}

func textsOf(statuses []postern.Approval) []string {
	all := make([]string, len(statuses))
	for i, s := range statuses {
		all[i] = cleanText(string(s))
	}
	return all
}

// storableOf gives texts in a form in which the unstorable among them find nothing.
func storableOf(texts []string) []string {
	all := make([]string, len(texts))
	for i, s := range texts {
		all[i] = cleanText(s)
	}
	return all
}
