package store

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// A walk reads a table of a tenant page by page, in the order of an index. What is asked
// for is met by one or more branches, each of which is a range of that index; branches
// have no row in common, and the engines merge them row by row, so that a page costs
// what its rows cost, wherever it is. Everything else only filters.
//
// Texts are few, because databases keep prepared what they once saw: a filter that is
// not set is there with values that let everything pass, and lists are filled up to one
// of a few sizes.
type walk struct {
	table   string
	columns string
	letter  byte     // of the order, in positions
	order   []string // the columns of the key, one to three; numbers all
	// equal are the columns that each branch has one value of; values has them, branch by
	// branch.
	equal  []string
	values [][]any
	// from and to bound the first column of the order, the same for all branches or one
	// by one.
	from, to []int64
	also     string // what an index with a condition needs
	filter   filter // the first argument is the tenant
}

const (
	farPast   = -1 << 62 // with room below
	farFuture = math.MaxInt64
)

// sizes of what is asked at once, of branches and of lists.
var walkSizes = []int{16, 4, 1}

var listSizes = []int{1, 4, 16, 64, 256, 1024}

// maxList bounds a list of a query.
const maxList = 1000

// filter is conditions on the rows of a table, with their arguments. The first argument
// is the tenant.
type filter struct {
	text strings.Builder
	args []any
	// lean leaves out what lets everything pass. PostgreSQL cannot know that it does,
	// expects next to no row behind it, and then sorts the table; it has room for more
	// texts, because it drops those that were not used for long.
	lean bool
}

// also adds a condition; each ? in it stands for one of args.
func (f *filter) also(condition string, args ...any) {
	f.text.WriteString(" AND ")
	f.add(condition, args...)
}

func (f *filter) add(text string, args ...any) {
	for _, arg := range args {
		before, rest, _ := strings.Cut(text, "?")
		f.args, text = append(f.args, arg), rest
		f.text.WriteString(before)
		f.text.WriteByte('$')
		f.text.WriteString(strconv.Itoa(len(f.args)))
	}
	f.text.WriteString(text)
}

// between adds bounds of a column that no index shall be chosen for, which is what the
// sign says to both engines. Bounds that let everything pass are left out where f is lean.
func (f *filter) between(column string, from, to int64) { f.bounds("+"+column, from, to) }

// bounds is between for a column of the index that is walked.
func (f *filter) bounds(column string, from, to int64) {
	if !f.lean || from > farPast {
		f.also(column+" >= ?", from)
	}
	if !f.lean || to < farFuture {
		f.also(column+" <= ?", to)
	}
}

// oneOf adds that a column has one of some values, when there are any.
func oneOf[T any](f *filter, column string, values []T) {
	if len(values) == 0 {
		return
	}
	f.text.WriteString(" AND ")
	f.in(column, fill(values))
}

func (f *filter) in(column string, values []any) {
	f.add(column + " IN (")
	for i, v := range values {
		if i > 0 {
			f.add(", ")
		}
		f.add("?", v)
	}
	f.add(")")
}

// fill repeats the last value until the list has one of a few sizes.
func fill[T any](values []T) []any {
	size := listSizes[len(listSizes)-1]
	for _, s := range listSizes {
		if s >= len(values) {
			size = s
			break
		}
	}
	all := make([]any, 0, size)
	for _, v := range values {
		all = append(all, v)
	}
	for len(all) < size {
		all = append(all, all[len(all)-1])
	}
	return all
}

// walk begins a walk of a table in the order of some columns.
func (d *Directory) walk(table, columns string, letter byte, order ...string) *walk {
	return &walk{table: table, columns: columns, letter: letter, order: order,
		filter: filter{args: []any{d.tenant}, lean: d.db.name == PostgreSQL}}
}

// branch adds a branch with a value for each of the equal columns.
func (w *walk) branch(from, to int64, values ...any) {
	w.values, w.from, w.to = append(w.values, values), append(w.from, from), append(w.to, to)
}

// branches adds one for each different value of a column.
func branches[T int64 | string | postern.PersonID](w *walk, column string, from, to int64, list []T) {
	w.equal = []string{column}
	list = slices.Clone(list)
	slices.Sort(list)
	for _, v := range slices.Compact(list) {
		if s, ok := any(v).(string); ok && !isText(s) {
			continue // not stored, so not found
		}
		if id, ok := any(v).(postern.PersonID); ok {
			w.branch(from, to, int64(id))
			continue
		}
		w.branch(from, to, v)
	}
}

// position is a row's place in the order of a walk: the columns of its key.
type position [3]int64

// start is before the first row at or after a value of the first column.
func start(from int64) position { return position{from - 1, farFuture, farFuture} }

func (p position) compare(o position) int { return slices.Compare(p[:], o[:]) }

// text writes a position for Page.Next.
func (w *walk) text(p position) string {
	b := []byte{w.letter}
	for i := range w.order {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, p[i], 36)
	}
	return string(b)
}

// after reads what text wrote; it fails with Invalid for what it did not.
func (w *walk) after(s string) (p position, err error) {
	if s == "" {
		return position{farPast, farPast, farPast}, nil
	}
	parts := strings.Split(s[1:], ".")
	if s[0] != w.letter || len(parts) != len(w.order) {
		return p, badPosition(s)
	}
	for i, part := range parts {
		if p[i], err = strconv.ParseInt(part, 36, 64); err != nil {
			return p, badPosition(s)
		}
	}
	return p, nil
}

func badPosition(s string) error {
	return wrong("after", "%q is no position in this answer", postern.Shorten(s, 60)).
		WithHint("begin again without a position, and ask for the next page with the same filters")
}

// statement writes the text of a page, or of a count, for the branches from first on,
// so many of them, filled up with ones that are empty.
func (w *walk) statement(first, size int, after position, tail func(f *filter)) (string, []any) {
	f, shared := filter{args: slices.Clone(w.filter.args)}, w.filter.text.String()
	// SQLite merges branches by itself. PostgreSQL has to be shown that each is in order,
	// and ends; it would sort all of them.
	apart := w.filter.lean && size > 1
	for i := first; i < first+size; i++ {
		if i > first {
			f.add(" UNION ALL ")
		}
		at := min(i, len(w.values)-1)
		if apart {
			f.add("SELECT * FROM (")
		}
		f.add("SELECT " + w.columns + " FROM " + w.table + " WHERE tenant = $1")
		for n, column := range w.equal {
			f.also(column+" = ?", w.values[at][n])
		}
		from, to := start(w.from[at]), w.to[at]
		if from.compare(after) < 0 {
			from = after
		}
		if i > at { // nothing is in it
			to = farPast
		}
		switch len(w.order) {
		case 1:
			f.also(w.order[0]+" > ?", from[0])
		case 2:
			f.also("("+w.order[0]+", "+w.order[1]+") > (?, ?)", from[0], from[1])
		default:
			f.also("("+strings.Join(w.order, ", ")+") > (?, ?, ?)", from[0], from[1], from[2])
		}
		switch {
		case w.filter.lean && to == farFuture:
		case len(w.order) == 1: // bounded on no walk; SQLite would choose the key for it
			f.also("+"+w.order[0]+" <= ?", to)
		default:
			f.also(w.order[0]+" <= ?", to)
		}
		f.text.WriteString(w.also)
		f.text.WriteString(shared)
		if apart {
			tail(&f)
			f.add(") b" + strconv.Itoa(i-first))
		}
	}
	tail(&f)
	return f.text.String(), f.args
}

// groups calls do with the branches that are asked at once.
func (w *walk) groups(do func(first, size int) error) error {
	for first := 0; first < len(w.values); {
		size := 1
		for _, s := range walkSizes {
			if left := len(w.values) - first; left >= s || left > walkSizes[len(walkSizes)-1] && 2*left >= s {
				size = s
				break
			}
		}
		if err := do(first, size); err != nil {
			return err
		}
		first += size
	}
	return nil
}

// page reads one page. key gives the position of an item.
func page[T any](ctx context.Context, d *Directory, w *walk, p postern.Paging, scan func(scanner) (T, error),
	key func(*T) position) (out postern.Page[T], err error) {
	if err := checkPaging(p); err != nil {
		return out, err
	}
	after, err := w.after(p.After)
	if err != nil {
		return out, err
	}
	// Of one branch the database leaves out what is to be left out; of several it
	// cannot, because it is asked about them in parts.
	limit, skip := p.Limit+1, p.Offset
	if len(w.values) > 1 {
		limit, skip = limit+skip, 0
	}
	several := 0
	err = w.groups(func(first, size int) error {
		text, args := w.statement(first, size, after, func(f *filter) {
			f.add(" ORDER BY " + strings.Join(w.order, ", "))
			f.limit(limit, skip)
		})
		some, err := many(ctx, d.db.read, scan, text, args...)
		out.Items = append(out.Items, some...)
		several++
		return err
	})
	if err != nil {
		return out, err
	}
	if several > 1 {
		slices.SortFunc(out.Items, func(a, b T) int { return key(&a).compare(key(&b)) })
	}
	if len(w.values) > 1 {
		out.Items = out.Items[min(p.Offset, len(out.Items)):]
	}
	if len(out.Items) > p.Limit {
		out.Items = out.Items[:p.Limit]
		out.Next = w.text(key(&out.Items[p.Limit-1]))
	}
	if p.Count {
		out.Total, err = w.count(ctx, d)
	}
	return out, err
}

// limitSizes are the limits that are part of a text. PostgreSQL takes one that it does not
// know for a tenth of the table, and sorts the table then; so a few more rows are read.
var limitSizes = []int{2, 11, 26, 51, 101, 201, postern.MaxPage + 1}

// limit ends a statement, after at least so many rows.
func (f *filter) limit(limit, skip int) {
	for _, size := range limitSizes {
		if limit <= size {
			f.add(" LIMIT " + strconv.Itoa(size))
			if skip > 0 {
				f.add(" OFFSET ? + 0", skip)
			}
			return
		}
	}
	f.add(" LIMIT ? + 0 OFFSET ? + 0", limit, skip) // see Changes
}

// count counts the rows of every branch.
func (w *walk) count(ctx context.Context, d *Directory) (int, error) {
	total, counted := 0, *w
	counted.columns = "COUNT(*)"
	err := w.groups(func(first, size int) error {
		text, args := counted.statement(first, size, position{farPast, farPast, farPast}, func(*filter) {})
		some, err := many(ctx, d.db.read, scanInt, text, args...)
		for _, n := range some {
			total += int(n)
		}
		return err
	})
	return total, err
}

// checkPaging fails with Invalid for a page that cannot be.
func checkPaging(p postern.Paging) error {
	switch {
	case p.Limit < 1 || p.Limit > postern.MaxPage:
		return wrong("limit", "a page has 1 to %d items", postern.MaxPage)
	case p.Offset < 0 || p.Offset > math.MaxInt32-postern.MaxPage:
		return wrong("offset", "%d items cannot be left out", p.Offset)
	}
	return nil
}

// checkLists fails with Invalid for a list that is too long.
func checkLists(lengths ...int) error {
	for _, n := range lengths {
		if n > maxList {
			return postern.Errorf(postern.Invalid, "a filter has at most %d values, not %d", maxList, n).
				WithHint("ask in parts")
		}
	}
	return nil
}

// times gives the bounds of a range of times in milliseconds.
func times(r postern.TimeRange) (from, to int64) {
	from, to = farPast, farFuture
	if !r.From.IsZero() {
		from = r.From.UnixMilli()
	}
	if !r.To.IsZero() {
		to = r.To.UnixMilli()
	}
	return from, to
}
