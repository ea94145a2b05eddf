package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"postern.dev/postern"
)

// maxRow bounds one row of a file, in bytes, so that a quote that is never closed does
// not take all memory.
const maxRow = 4 << 20

// csvCells reads a table (RFC 4180) row by row, and knows where each cell begins. Unlike
// encoding/csv it keeps what stands between quotes to the letter and bounds a row.
type csvCells struct {
	r    *bufio.Reader
	line int // of the next byte, from 1
	size int // of the row so far
}

// next gives the cells of the next row that is not blank, and the line it begins in.
// It fails with io.EOF at the end, with a *rowError for a row that is no row, after
// which the next can be read, and with another error when nothing more can be.
func (c *csvCells) next() (cells []string, line int, err error) {
	for {
		c.size = 0
		line = c.line
		cells, err = c.row()
		if err != nil || len(cells) > 1 || cells[0] != "" {
			return cells, line, err
		}
	}
}

func (c *csvCells) row() (cells []string, err error) {
	begin := c.line
	for {
		cell, end, err := c.cell(len(cells) == 0)
		if err != nil {
			if r, ok := errors.AsType[*rowError](err); ok {
				r.column, r.line = len(cells)+1, begin
			}
			return nil, err
		}
		cells = append(cells, cell)
		if end {
			return cells, nil
		}
	}
}

// cell reads one cell and what ends it; end says that it was the last of the row.
func (c *csvCells) cell(first bool) (text string, end bool, err error) {
	var b strings.Builder
	quoted := false
	for n := 0; ; n++ {
		ch, err := c.byte()
		switch {
		case errors.Is(err, io.EOF) && first && n == 0:
			return "", true, io.EOF
		case errors.Is(err, io.EOF):
			return b.String(), true, nil
		case err != nil:
			return "", false, err
		case ch == '"' && n == 0:
			if err := c.quoted(&b); err != nil {
				return "", false, err
			}
			quoted = true
		case ch == ',':
			return b.String(), false, nil
		case ch == '\n':
			return strings.TrimSuffix(b.String(), "\r"), true, nil
		case quoted && ch != '\r' || ch == '"':
			return "", false, c.skip(bad("there is a quote in the middle of a cell").
				WithHint(`put the whole cell in quotes and write "" for a quote in it`))
		default:
			b.WriteByte(ch)
		}
	}
}

// quoted reads up to the quote that ends a cell.
func (c *csvCells) quoted(b *strings.Builder) error {
	for {
		ch, err := c.byte()
		if errors.Is(err, io.EOF) {
			return &rowError{err: bad("a quote is opened here and never closed")}
		}
		if err != nil {
			return err
		}
		if ch == '"' {
			next, err := c.r.Peek(1)
			if err != nil || next[0] != '"' {
				return nil //nolint:nilerr // the end comes next, or its error
			}
			_, _ = c.byte() // it was seen
		}
		b.WriteByte(ch)
	}
}

func (c *csvCells) byte() (byte, error) {
	ch, err := c.r.ReadByte()
	if ch == '\n' {
		c.line++
	}
	if c.size++; c.size > maxRow {
		return 0, bad("the row that ends after line %d is longer than %d MiB", c.line, maxRow>>20).WithHint("is a quote missing?")
	}
	return ch, err
}

// skip goes to the end of the line, past a row that is none.
func (c *csvCells) skip(why *postern.Error) error {
	for {
		ch, err := c.byte()
		if errors.Is(err, io.EOF) || ch == '\n' && err == nil {
			return &rowError{err: why}
		}
		if err != nil {
			return err
		}
	}
}

// readCSV reads rows of a kind. What cannot be read is a *rowError and does not end
// it; any other error does.
func readCSV(k kind, r *bufio.Reader) iter.Seq2[read, error] {
	return func(yield func(read, error) bool) {
		cells := &csvCells{r: r, line: 1}
		names, line, err := cells.next()
		if errors.Is(err, io.EOF) {
			err = bad("the file is empty").WithHint("its first line names the columns")
		}
		var columns []column
		if err == nil {
			columns, err = heads(k, names)
		}
		if err != nil {
			yield(read{line: line}, err)
			return
		}
		for {
			cells, line, err := cells.next()
			if errors.Is(err, io.EOF) {
				return
			}
			row := read{line: line, columns: columns}
			if r, ok := errors.AsType[*rowError](err); ok {
				r.name = columnName(columns, r.column)
				row.failed, err = []rowError{*r}, nil
			} else if err == nil {
				row = decodeCells(k, columns, cells, line)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func columnName(columns []column, nth int) string {
	if nth < 1 || nth > len(columns) {
		return ""
	}
	return columns[nth-1].name
}

// heads finds the column of each name in the first row.
func heads(k kind, names []string) ([]column, error) {
	if len(names) == 1 && strings.Contains(names[0], ";") {
		return nil, bad("the columns are not parted by commas").WithHint("save the table with commas between the columns; a semicolon parts the values of a list")
	}
	var out []column
	for i, name := range names {
		if !utf8.ValidString(name) {
			return nil, bad("the name of column %d is not UTF-8", i+1).WithHint("save the file as UTF-8")
		}
		if name = unarmed(name); !strings.Contains(name, ":") { // a label may begin with blanks
			name = strings.TrimSpace(name)
		}
		c, err := k.column(name)
		if err != nil {
			return nil, postern.Errorf(postern.Invalid, "line 1, column %d: %s", i+1, err.Msg).WithHint("%s", err.Hint)
		}
		if slices.ContainsFunc(out, func(o column) bool { return o.name == c.name }) {
			return nil, bad("the column %s is there twice", c.name)
		}
		out = append(out, c)
	}
	return out, k.complete(out)
}

// complete fails when a column that must be there is not.
func (k kind) complete(there []column) error {
	for _, c := range k.columns {
		if c.required && !slices.ContainsFunc(there, func(o column) bool { return o.name == c.name || o.instead == c.name }) {
			instead := ""
			for _, o := range k.columns {
				if o.instead == c.name {
					instead = " (or " + o.name + ")"
				}
			}
			return bad("the column %s is missing", c.name+instead).WithHint("%s need %s", k.name, strings.Join(k.required(), ", "))
		}
	}
	return nil
}

func decodeCells(k kind, columns []column, cells []string, line int) read {
	row := read{line: line, columns: columns}
	if len(cells) != len(columns) {
		row.fail(0, "", bad("the row has %d cells and the first line has %d", len(cells), len(columns)).
			WithHint("a cell with a comma in it stands in quotes"))
		return row
	}
	row.draft = &draft{noun: k.blank()}
	for i, c := range columns {
		f, err := cellField(c, cells[i])
		if err == nil && !f.empty() {
			err = c.set(row.draft, f)
		}
		if err == nil && f.empty() && c.required && !substituted(columns, c) {
			err = bad("%s is missing", c.name)
		}
		if err != nil {
			row.fail(i+1, c.name, err)
		}
	}
	return row
}

// cellField reads what stands in a cell.
func cellField(c column, cell string) (field, error) {
	if err := checkText(cell); err != nil {
		return field{}, err
	}
	cell = unarmed(cell)
	if c.form == formList {
		list, err := splitList(cell)
		return field{list: list}, err
	}
	return field{text: cell}, nil
}

// checkText refuses what no database or no person can read.
func checkText(s string) error {
	switch {
	case !utf8.ValidString(s):
		return bad("this is not UTF-8").WithHint("save the file as UTF-8")
	case strings.ContainsRune(s, 0):
		return bad("there is a NUL character in it")
	}
	return nil
}

// Spreadsheets take a cell that begins with one of these for a formula, and run it. So
// such a cell is written with an apostrophe in front, which the reader takes away. One
// that has the apostrophe already gets another.
const formula = "=+-@\t\r'"

func armed(cell string) string {
	if cell != "" && strings.ContainsRune(formula, rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func unarmed(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(formula, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}

// joinList writes a list into one cell: values parted by semicolons, with a backslash
// before what belongs to a value and would be taken for something else: a semicolon, a
// backslash, a blank at either end. \e is a value that is empty.
func joinList(list []string) string {
	out := make([]string, len(list))
	for i, v := range list {
		v = strings.NewReplacer(`\`, `\\`, ";", `\;`).Replace(v)
		if n := len(v) - 1; n > 0 && v[n] == ' ' {
			v = v[:n] + `\ `
		}
		if strings.HasPrefix(v, " ") {
			v = `\` + v
		}
		if out[i] = v; v == "" {
			out[i] = `\e`
		}
	}
	return strings.Join(out, ";")
}

// splitList is the inverse of joinList. Blanks around a value are dropped.
func splitList(cell string) (list []string, err error) {
	if strings.TrimSpace(cell) == "" {
		return nil, nil
	}
	var value strings.Builder
	given, keep := false, 0 // whether the value may be empty; how much of it is no blank
	flush := func() {
		v := value.String()[:keep]
		if v == "" && !given {
			err = bad("there is an empty value in the list").WithHint(`take the extra semicolon away, or write \e for an empty value`)
		}
		list, given, keep = append(list, v), false, 0
		value.Reset()
	}
	for i := 0; i < len(cell); i++ {
		switch ch := cell[i]; {
		case ch == ';':
			flush()
		case ch == '\\' && i+1 < len(cell):
			if i++; cell[i] == 'e' {
				given = true
				continue
			}
			value.WriteByte(cell[i])
			keep = value.Len()
		case ch == ' ' && keep == 0: // in front
		default:
			value.WriteByte(ch)
			if ch != ' ' {
				keep = value.Len()
			}
		}
	}
	flush()
	return list, err
}

// csvRows writes a table.
type csvRows struct {
	w       *csv.Writer
	columns []column
	cells   []string
}

// newCSV begins a table with its first line.
func newCSV(w io.Writer, columns []column) (*csvRows, error) {
	out := &csvRows{w: csv.NewWriter(w)}
	for _, c := range columns {
		if c.get != nil {
			out.columns = append(out.columns, c)
			out.cells = append(out.cells, armed(c.name))
		}
	}
	return out, out.w.Write(out.cells)
}

func (o *csvRows) write(noun any) error {
	for i, c := range o.columns {
		f := c.get(noun)
		if c.form == formList {
			f.text = joinList(f.list)
		}
		o.cells[i] = armed(f.text)
	}
	return o.w.Write(o.cells)
}

func (o *csvRows) close() error {
	o.w.Flush()
	return o.w.Error()
}
