package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// read is one row of a file, or why it is none.
type read struct {
	line    int
	columns []column // of the table; nil where it is none
	draft   *draft
	failed  []rowError
}

func (r *read) fail(column int, name string, err error) {
	r.failed = append(r.failed, rowError{r.line, column, name, postern.AsError(err)})
}

// rowError says what is wrong with a row, and where. A column of 0 is the row as a
// whole.
type rowError struct {
	line, column int
	name         string // of the column
	err          *postern.Error
}

// Error says it in one line.
func (e *rowError) Error() string {
	where := "line " + strconv.Itoa(e.line)
	if e.column > 0 {
		where += ", column " + strconv.Itoa(e.column)
	}
	if e.name != "" {
		where += " (" + postern.Shorten(e.name, 80) + ")"
	}
	return where + ": " + postern.Public(e.err)
}

// substituted says whether another of the columns stands in for c.
func substituted(columns []column, c column) bool {
	return slices.ContainsFunc(columns, func(o column) bool { return o.instead == c.name })
}

// required lists the columns that rows of the kind need.
func (k kind) required() (names []string) {
	for _, c := range k.columns {
		if c.required {
			names = append(names, c.name)
		}
	}
	return names
}

// column finds a column by its name, those of attributes included.
func (k kind) column(name string) (column, *postern.Error) {
	var names []string
	attributes := false
	for _, c := range k.columns {
		if c.name == attributesName {
			attributes = true
			continue
		}
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	if attributes && (strings.HasPrefix(name, "dynamic_") || strings.Contains(name, ":")) {
		return attributeColumn(name)
	}
	e := bad("there is no column %q", name)
	if meant := near.Of(name, names); meant != "" {
		return column{}, e.WithHint("did you mean %s?", meant)
	}
	return column{}, e.WithHint("the columns are %s", strings.Join(names, ", "))
}

// nth gives the place among the columns of a table, 0 if there is none, of what an error
// calls param, and what the kind calls it.
func (k kind) nth(columns []column, param string) (int, string) {
	for _, name := range []string{param, param + "_id", param + "_email"} {
		for i, c := range columns {
			if c.name == name {
				return i + 1, name
			}
		}
	}
	for _, c := range k.columns {
		if c.name == param || c.name == param+"_id" {
			return 0, c.name
		}
	}
	return 0, param
}

// The formats of files.
const (
	formatCSV  = "csv"
	formatJSON = "json"
)

// readRows reads the rows of a file in a format.
func readRows(k kind, format string, r io.Reader) iter.Seq2[read, error] {
	buf := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := buf.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = buf.Discard(3) // it was seen
	} else if len(mark) > 1 && (mark[0] == 0xff && mark[1] == 0xfe || mark[0] == 0xfe && mark[1] == 0xff) {
		return func(yield func(read, error) bool) {
			yield(read{line: 1}, bad("the file is UTF-16").WithHint("save it as UTF-8; a spreadsheet calls that CSV UTF-8"))
		}
	}
	if format == formatJSON {
		return readJSON(k, buf)
	}
	return readCSV(k, buf)
}

// rowsOut writes the rows of a kind.
type rowsOut interface {
	write(noun any) error
	close() error
}

// newRows begins a file. The columns are those of newCSV, if it is one.
func newRows(k kind, format string, w io.Writer, columns []column) (rowsOut, error) {
	if format == formatJSON {
		return newJSON(w, k.columns), nil
	}
	return newCSV(w, columns)
}

// formatOf gives the format that was named, or that the extension of a file means.
func formatOf(named, file string) string {
	switch {
	case named != "":
		return named
	case strings.HasSuffix(file, ".json"), strings.HasSuffix(file, ".jsonl"), strings.HasSuffix(file, ".ndjson"):
		return formatJSON
	}
	return formatCSV
}

// isMissing says whether a file is not there or may not be read, in words for people.
func isMissing(file string, err error) error {
	if p, ok := errors.AsType[*postern.Error](err); ok {
		return p
	}
	return postern.Errorf(postern.Invalid, "%s cannot be opened: %v", file, errors.Unwrap(err))
}
