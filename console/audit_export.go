package console

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postern.dev/postern"
)

// maxExport bounds how many records one export has.
const maxExport = 100_000

// eventColumns are the fields of a record, by the names that the operator API has for
// them, in the order of exports.
var eventColumns = []struct {
	name string
	of   func(postern.Event) string
}{
	{"seq", func(e postern.Event) string { return strconv.FormatInt(e.Seq, 10) }},
	{"at", func(e postern.Event) string { return e.At.UTC().Format(time.RFC3339Nano) }},
	{"tenant", func(e postern.Event) string { return e.Tenant }},
	{"action", func(e postern.Event) string { return e.Action }},
	{"actor", func(e postern.Event) string { return e.Actor }},
	{"client_id", func(e postern.Event) string { return e.ClientID }},
	{"user_id", func(e postern.Event) string { return e.UserID }},
	{"dialect", func(e postern.Event) string { return e.Dialect }},
	{"grant_type", func(e postern.Event) string { return e.Grant }},
	{"token_id", func(e postern.Event) string { return e.TokenID }},
	{"scope", func(e postern.Event) string { return e.Scope }},
	{"audience", func(e postern.Event) string { return e.Audience }},
	{"kid", func(e postern.Event) string { return e.KeyID }},
	{"via", func(e postern.Event) string { return e.Via }},
	{"source", func(e postern.Event) string { return e.Source }},
	{"request_id", func(e postern.Event) string { return e.RequestID }},
	{"code", func(e postern.Event) string { return string(e.Code) }},
	{"cause", func(e postern.Event) string { return e.Cause }},
	{"object", func(e postern.Event) string { return e.Object }},
	{"detail", func(e postern.Event) string { return e.Detail }},
	{"hash", func(e postern.Event) string { return e.Hash }},
}

// harmless keeps a spreadsheet from taking a cell for a formula: what somebody called a
// client must not be run by whoever opens the file. Some take the wide forms of the signs
// as well.
func harmless(cell string) string {
	if first, size := utf8.DecodeRuneInString(cell); size > 0 && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// auditExport streams what a filter selects, newest first. An export that breaks off
// breaks the connection, so that it cannot be taken for a whole one.
func (c *call) auditExport() error {
	if err := c.pickChain(); err != nil {
		return err
	}
	f, _, err := c.auditFilter()
	if err != nil {
		return err
	}
	format := c.query("format")
	if format != "csv" && format != "jsonl" {
		return postern.Errorf(postern.Invalid, "an export is csv or jsonl")
	}
	f.Limit = 1000
	page, err := c.office.Events(c.ctx, f)
	if err != nil {
		return err
	}
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}[format]
	name := "audit-" + strings.Trim(c.tenant, "-") + "-" + c.now().Format("20060102") + "." + format
	c.w.Header().Set("Content-Type", kind)
	c.w.Header().Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(name, "--", "-installation-")+`"`)
	write, flush := jsonLines(c.w)
	if format == "csv" {
		write, flush = csvLines(c.w)
	}
	for n := 0; ; {
		for _, e := range page.Events {
			if n++; n > maxExport {
				break
			}
			if err := write(e); err != nil {
				panic(http.ErrAbortHandler) // the browser is gone
			}
		}
		if page.Next == 0 || n >= maxExport {
			break
		}
		f.Before = page.Next
		if page, err = c.office.Events(c.ctx, f); err != nil {
			postern.CallFrom(c.ctx).Err = err
			panic(http.ErrAbortHandler)
		}
	}
	_ = flush() // the browser may be gone
	return nil
}

// csvLines writes a line of names, and one for each record.
func csvLines(w io.Writer) (write func(postern.Event) error, flush func() error) {
	out := csv.NewWriter(w)
	head := make([]string, len(eventColumns))
	for i, col := range eventColumns {
		head[i] = col.name
	}
	err := out.Write(head)
	line := make([]string, len(eventColumns))
	write = func(e postern.Event) error {
		for i, col := range eventColumns {
			line[i] = harmless(col.of(e))
		}
		if err == nil {
			err = out.Write(line)
		}
		return err
	}
	return write, func() error { out.Flush(); return out.Error() }
}

// jsonLines writes an object in each line, without what is empty.
func jsonLines(w io.Writer) (write func(postern.Event) error, flush func() error) {
	out := bufio.NewWriterSize(w, 32<<10)
	write = func(e postern.Event) error {
		for i, col := range eventColumns {
			v := col.of(e)
			if v == "" {
				continue
			}
			text := []byte(v)
			if col.name != "seq" {
				var err error
				if text, err = json.Marshal(v); err != nil {
					return err
				}
			}
			lead := `,"`
			if i == 0 {
				lead = `{"`
			}
			_, _ = out.WriteString(lead + col.name + `":`) // the last write tells
			_, _ = out.Write(text)
		}
		_, err := out.WriteString("}\n")
		return err
	}
	return write, out.Flush
}
