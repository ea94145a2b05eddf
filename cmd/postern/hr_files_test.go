package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// nouns gives rows of a kind that are hard to write: the demo company's, and made ones
// with every character that means something to a format.
func nouns(t testing.TB, k kind) (out []any) {
	t.Helper()
	c, err := newCompany(someDays()[0], noHoliday)
	if err != nil {
		t.Fatal(err)
	}
	for row := range c.rows() {
		switch row := row.(type) {
		case store.PersonRow:
			out = append(out, &row.Person)
		case store.EmploymentRow:
			out = append(out, &row.Employment)
		case store.AbsenceTypeRow:
			out = append(out, &row.AbsenceType)
		case store.AbsenceRow:
			out = append(out, &row.Absence)
		case store.AttendanceRow:
			out = append(out, &row.Attendance)
		}
	}
	kept := out[:0]
	want := fmt.Sprintf("%T", k.blank())
	for _, o := range out {
		if fmt.Sprintf("%T", o) == want {
			kept = append(kept, o)
		}
	}
	d := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same every time
	if k.name == "persons" {
		for range 200 {
			p := &person{ID: postern.PersonID(1 + d.IntN(1e6)), FirstName: nasty(d), LastName: nasty(d), PreferredName: nasty(d), Email: nasty(d),
				CreatedAt: time.UnixMilli(1.7e12).UTC()}
			for i := range d.IntN(5) {
				a := postern.Attribute{Key: fmt.Sprintf("dynamic_%d", i), Label: nasty(d), Kind: postern.AttributeText, Value: nasty(d)}
				if i == 3 {
					a.Key, a.Kind, a.Value, a.Values = `odd;key\`, postern.AttributeList, "", []string{nasty(d), "", nasty(d)}
				}
				p.Custom = append(p.Custom, a)
			}
			kept = append(kept, p)
		}
	}
	return kept
}

// nasty makes a text, never empty, that a careless writer or reader would change.
func nasty(d *rand.Rand) string {
	bits := []string{"a", "é", " ", ",", ";", `"`, "'", "=", "+", "-", "@", "\n", "\r\n", "\r", "\t", `\`, "0", "漢", ":", "{", "]", `\e`, "<&>"}
	var b strings.Builder
	for range 1 + d.IntN(6) {
		b.WriteString(bits[d.IntN(len(bits))])
	}
	return b.String()
}

// written writes nouns as a file.
func written(t testing.TB, k kind, format string, rows []any) []byte {
	t.Helper()
	columns := k.columns
	if k.name == "persons" && format == formatCSV {
		columns = columnsOf(k, rows)
	}
	var b bytes.Buffer
	out, err := newRows(k, format, &b, columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := out.write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func columnsOf(k kind, rows []any) []column {
	all := attributesOf(func(yield func(any, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	})
	columns, _ := all.columns(k) // there are few
	return columns
}

func TestWhatIsWrittenReadsBackToTheLetter(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		for _, format := range []string{formatCSV, formatJSON} {
			t.Run(k.name+"/"+format, func(t *testing.T) {
				t.Parallel()
				rows := nouns(t, k)
				file := written(t, k, format, rows)
				if len(rows) < 9 {
					t.Fatalf("got %d rows, want 9 at least", len(rows))
				}
				var again []any
				for r, err := range readRows(k, format, bytes.NewReader(file)) {
					if err != nil || len(r.failed) > 0 {
						t.Fatalf("line %d: %v %v", r.line, err, r.failed)
					}
					again = append(again, r.draft.noun)
				}
				if len(again) != len(rows) {
					t.Fatalf("got %d rows back of %d", len(again), len(rows))
				}
				if diff := cmp.Diff(string(file), string(written(t, k, format, again))); diff != "" {
					t.Errorf("written, read and written again: %s", diff)
				}
				if k.name != "persons" { // of persons attributes are put in order, and employments are rows of their own
					if diff := cmp.Diff(rows, again); diff != "" {
						t.Errorf("read back: %s", diff)
					}
				}
			})
		}
	}
}

func TestNoCellIsTakenForAFormula(t *testing.T) {
	t.Parallel()
	k := personKind()
	file := string(written(t, k, formatCSV, []any{&person{FirstName: "=1+1", LastName: "@SUM(A1)", PreferredName: "-x", Email: "'q"}}))
	for _, want := range []string{"'=1+1", "'@SUM(A1)", "'-x", "''q"} {
		if !strings.Contains(file, ","+want+",") {
			t.Errorf("no cell %s in %s", want, file)
		}
	}
}

func TestEveryMistakeInATableIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	const head = "first_name,last_name,email,gender,has_picture\n"
	for _, tt := range []struct{ name, file, want string }{
		{"unknown column", "first_nam,last_name\n", "line 1, column 1: there is no column \"first_nam\" (did you mean first_name?)"},
		{"missing column", "first_name,email\n", "the column last_name is missing (persons need first_name, last_name)"},
		{"column twice", "first_name,last_name,email,email\n", "the column email is there twice"},
		{"semicolons", "first_name;last_name\nA;B\n", "the columns are not parted by commas (save the table with commas between the columns; a semicolon parts the values of a list)"},
		{"nothing", "", "the file is empty (its first line names the columns)"},
		{"utf-16", "\xff\xfef\x00", "the file is UTF-16 (save it as UTF-8; a spreadsheet calls that CSV UTF-8)"},
		{"no utf-8", head + "A,B\xff,,,\n", "line 2, column 2 (last_name): this is not UTF-8 (save the file as UTF-8)"},
		{"nul", head + "A,B\x00,,,\n", "line 2, column 2 (last_name): there is a NUL character in it"},
		{"cells", head + "A,B,,\n", "line 2: the row has 4 cells and the first line has 5 (a cell with a comma in it stands in quotes)"},
		{"lines after a cell of several", head + "\"A\n\nA\",B,,,\n\n\nA,,,,perhaps\n",
			"line 7, column 2 (last_name): last_name is missing|line 7, column 5 (has_picture): \"perhaps\" is neither true nor false"},
		{"quote in a cell", head + "A\"a,B,,,\nA,B,,,\nA,\"B\"b,,,\r\n",
			"line 2, column 1 (first_name): there is a quote in the middle of a cell (put the whole cell in quotes and write \"\" for a quote in it)|" +
				"line 4, column 2 (last_name): there is a quote in the middle of a cell (put the whole cell in quotes and write \"\" for a quote in it)"},
		{"open quote", head + "A,B,,,\nA,\"B,,,\nA,B,,,\n", "line 3, column 2 (last_name): a quote is opened here and never closed"},
		{"attribute of no kind", "first_name,last_name,dynamic_5:colour\n", "line 1, column 3: there is no kind of attribute \"colour\" (write KEY:KIND:LABEL with one of string, int, double, date, boolean, string_list)"},
		{"attribute", "first_name,last_name,dynamic_5:int:Desk\nA,B,twelve\nA,B,12\n", "line 2, column 3 (dynamic_5:int:Desk): the value of dynamic_5 is not of the kind int"},
		{"attribute twice", "first_name,last_name,dynamic_5,dynamic_5:string:Desk\nA,B,1,\nA,B,1,2\n", "line 3, column 4 (dynamic_5:string:Desk): the attribute \"dynamic_5\" is there twice"},
		{"list", "first_name,last_name,dynamic_5:string_list\nA,B,a;;b\n", "line 2, column 3 (dynamic_5:string_list): there is an empty value in the list (take the extra semicolon away, or write \\e for an empty value)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, complaints(personKind(), formatCSV, tt.file)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// complaints are those about a file, parted by bars.
func complaints(k kind, format, file string) string {
	var out []string
	say := func(text string, e *postern.Error) {
		if e.Hint != "" {
			text += " (" + e.Hint + ")"
		}
		out = append(out, text)
	}
	for r, err := range readRows(k, format, strings.NewReader(file)) {
		if err != nil {
			say(postern.Public(err), postern.AsError(err))
		}
		for _, f := range r.failed {
			say(f.Error(), f.err)
		}
	}
	return strings.Join(out, "|")
}

func TestValuesOfEveryFormAreChecked(t *testing.T) {
	t.Parallel()
	row := func(columns, cells string) string { return columns + "\n" + cells + "\n" }
	for _, tt := range []struct {
		kind       kind
		file, want string
	}{
		{employmentKind(), row("person_id,employment_start_date", "0,2026-02-30"), `"0" is not a whole number|"2026-02-30" is not a date`},
		{employmentKind(), row("person_id,employment_start_date,weekly_working_hours", "1,2026-02-03,many"), `"many" is not a number such as 38.5`},
		{employmentKind(), row("person_id,employment_start_date,weekly_working_hours", "1,2026-02-03,0x10"), `"0x10" is not a number`},
		{employmentKind(), row("person_id,employment_start_date,work_schedule", "1,2026-02-03,8;8;8"), `a week has seven days, not 3`},
		{employmentKind(), row("person_id,employment_start_date,work_schedule", "1,2026-02-03,8;8;8;8;8;0;x"), `"x" is not a length of time`},
		{employmentKind(), row("person_id,employment_start_date,cost_centers", "1,2026-02-03,12"), `"12" is not a cost center`},
		{absenceKind(), row("person_id,absence_type_id,starts_from", "1,x,2026-02-03T10:00:00Z"), `"2026-02-03T10:00:00Z" is neither a day nor a time`},
		{absenceKind(), row("absence_type,starts_from", "x,2026-02-03"), `the column person_id (or person_email) is missing`},
		{attendanceKind(), row("person_email,start,created_at", "a@b.example,2026-02-03,yesterday"), `"2026-02-03" is not a local time|"yesterday" is not a time with a zone`},
		{absenceTypeKind(), row("name,unit,half_days", "x,,yes"), `unit is missing|"yes" is neither true nor false`},
	} {
		got := complaints(tt.kind, formatCSV, tt.file)
		for want := range strings.SplitSeq(tt.want, "|") {
			if !strings.Contains(got, want) {
				t.Errorf("%q: got %q, want %q in it", tt.file, got, want)
			}
		}
	}
}

func TestWhatPeopleTypeIsUnderstood(t *testing.T) {
	t.Parallel()
	file := "\xef\xbb\xbfabsence_type,person_email,starts_from,ends_at,comment\r\n" +
		"Paid vacation,ada@acme.example,2026-11-23,2026-11-27,\"two\r\nlines, \"\"quoted\"\"\"\r\n" +
		"\r\nPaid vacation,ada@acme.example,2026-12-01T12:00,,"
	var got []absence
	for r, err := range readRows(absenceKind(), formatCSV, strings.NewReader(file)) {
		if err != nil || len(r.failed) > 0 {
			t.Fatal(err, r.failed)
		}
		if r.draft.email != "ada@acme.example" || r.draft.absenceType != "Paid vacation" {
			t.Errorf("line %d: got %+v", r.line, r.draft)
		}
		got = append(got, *r.draft.noun.(*absence))
	}
	day := func(d int) postern.Date { return postern.NewDate(2026, time.November, d) }
	want := []absence{
		{Span: postern.Span{From: day(23).At(0), To: day(28).At(0)}, Status: postern.Approved, Comment: "two\r\nlines, \"quoted\""},
		{Span: postern.Span{From: day(31).At(12 * time.Hour)}, Status: postern.Approved},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if list, err := splitList(`English; German ;\;;\e;\ x\ `); err != nil || !cmp.Equal(list, []string{"English", "German", ";", "", " x "}) {
		t.Errorf("got %q %v", list, err)
	}
}

func TestEveryMistakeInJSONIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, want string }{
		{"not JSON", `first_name`, `line 1, column 1: there is "f" where an object should begin (write an array of objects, or one object after another)`},
		{"open array", "[\n{\"first_name\":\"A\",\"last_name\":\"B\"}", "line 2, column 35: the array is not closed (is the file whole?)"},
		{"open object", "[{\"first_name\":\"A\"", "line 1, column 2: the object is not closed (is the file whole?)"},
		{"more", "[] {}", "line 1, column 2: there is something after the end of the array"},
		{"comma", `[{"first_name":"A","last_name":"B"},]`, `line 1, column 37: there is "]" where an object should begin (write an array of objects, or one object after another)`},
		{"unknown", "[{\"first_name\":\"A\",\n  \"lastname\":\"B\"}]", `line 2, column 14 (lastname): there is no column "lastname" (did you mean last_name?)`},
		{"missing", "[\n {\"first_name\":\"A\"}]", `line 2, column 2: the column last_name is missing (persons need first_name, last_name)`},
		{"twice", `{"first_name":"A","first_name":"A","last_name":"B"}`, `line 1, column 32 (first_name): first_name is there twice`},
		{"no text", `{"first_name":5,"last_name":["B"],"has_picture":"true"}`, `line 1, column 15 (first_name): first_name is a text|line 1, column 29 (last_name): last_name is a text|line 1, column 49 (has_picture): has_picture is true or false`},
		{"broken inside", "{\"first_name\":\"A\",\n\"last_name\" \"B\"}\n{\"first_name\":\"A\"}", `line 2, column 13 (last_name): this is not JSON: |line 3, column 1: the column last_name is missing`},
		{"attributes", `{"first_name":"A","last_name":"B","custom_attributes":[{"key":"dynamic_1","kind":"int","value":"x"}]}`, `line 1, column 55 (custom_attributes): the value of dynamic_1 is not of the kind int`},
		{"no utf-8", "{\"first_name\":\"A\xff\",\"last_name\":\"B\"}", `line 1, column 1: this is not UTF-8 (save the file as UTF-8)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := complaints(personKind(), formatJSON, tt.file)
			if tt.name == "broken inside" {
				for want := range strings.SplitSeq(tt.want, "|") {
					if !strings.Contains(got, want) {
						t.Errorf("got %q, want %q in it", got, want)
					}
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNumbersAreAcceptedAsNumbersAndIdsAlsoAsText(t *testing.T) {
	t.Parallel()
	file := `{"person_id":"7","employment_start_date":"2026-01-01","weekly_working_hours":38.5,"cost_centers":["1:100:One"],"supervisor_id":8}`
	for r, err := range readRows(employmentKind(), formatJSON, strings.NewReader(file)) {
		e, _ := r.draft.noun.(*employment)
		if err != nil || len(r.failed) > 0 || e.Person != 7 || e.Supervisor != 8 || e.WeeklyHours != 38.5 || len(e.CostCenters) != 1 {
			t.Errorf("got %+v %v %v", e, err, r.failed)
		}
	}
}

func FuzzReadRows(f *testing.F) {
	for i, k := range kinds() {
		f.Add(i, true, written(f, k, formatCSV, nouns(f, k)[:3]))
		f.Add(i, false, written(f, k, formatJSON, nouns(f, k)[:3]))
	}
	f.Add(0, true, []byte("first_name,last_name,dynamic_5:string_list:x\n\"a\n\",'=b,\\e;\\ \n"))
	f.Fuzz(func(t *testing.T, which int, table bool, file []byte) {
		all := kinds()
		k := all[uint(which)%uint(len(all))] //nolint:gosec // it wraps
		format := formatJSON
		if table {
			format = formatCSV
		}
		line := 0
		var rows []any
		for r, err := range readRows(k, format, bytes.NewReader(file)) {
			if r.line < line {
				t.Fatalf("line %d after line %d", r.line, line)
			}
			if line = r.line; err != nil {
				return
			}
			if len(r.failed) == 0 {
				rows = append(rows, r.draft.noun)
			}
		}
		// What was understood is written so that it is understood again, as the same.
		again := written(t, k, format, rows)
		var back []any
		for r, err := range readRows(k, format, bytes.NewReader(again)) {
			if err != nil || len(r.failed) > 0 {
				t.Fatalf("%q was written as %q, and then: %v %v", file, again, err, r.failed)
			}
			back = append(back, r.draft.noun)
		}
		if third := written(t, k, format, back); !bytes.Equal(again, third) {
			t.Fatalf("%q was written as %q and then as %q", file, again, third)
		}
	})
}
