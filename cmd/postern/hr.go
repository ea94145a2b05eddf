package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"postern.dev/postern"
)

type hrCmd struct {
	Import hrImportCmd `cmd:"" help:"Take in persons, employments, absences or attendance from a file."`
	Export hrExportCmd `cmd:"" help:"Write them to a file."`
	Reset  hrResetCmd  `cmd:"" help:"Forget everything that a tenant's HR API knows; the demo tenant is made anew."`
}

// hrFile is what import and export have in common.
type hrFile struct {
	Kind   string `arg:"" help:"persons, employments, absence-types, absence-periods or attendance-periods."`
	File   string `arg:"" optional:"" help:"The file; standard input or output if not given."`
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	Format string `enum:",csv,json" default:"" help:"csv or json; by the extension of the file if not given, csv otherwise." placeholder:"F"`
}

type hrImportCmd struct {
	hrFile
	DryRun  bool `name:"dry-run" help:"Look at every row and store none."`
	Partial bool `help:"Store the rows that are good although others are not; the exit status is then 1."`
	asJSON
}

func (hrImportCmd) Help() string {
	return "Nothing is stored unless every row is good. A row whose id is there already replaces it. docs/hr.md lists the columns.\n\n" +
		"Examples:\n  postern hr import persons people.csv --tenant acme --dry-run\n  postern hr import absence-periods --tenant acme --format json --partial"
}

// maxComplaints is how many rows that cannot be stored are shown.
const maxComplaints = 100

// importView is the report of an import as printed.
type importView struct {
	Tenant  string          `json:"tenant"`
	Kind    string          `json:"kind"`
	DryRun  bool            `json:"dry_run"`
	Stored  bool            `json:"stored"`
	Created int             `json:"created"`
	Updated int             `json:"updated"`
	Refused int             `json:"refused"`
	Errors  []complaintView `json:"errors"`
}

type complaintView struct {
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"`
	Name   string `json:"name,omitempty"`
	Error  string `json:"error"`
	Hint   string `json:"hint,omitempty"`
}

func (c *hrImportCmd) Run(ctx context.Context, a *app) error {
	k, err := kindNamed(c.Kind)
	if err != nil {
		return err
	}
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	tenant, err := p.tenant(ctx, c.Tenant)
	if err != nil {
		return err
	}
	file, size, err := a.openFile(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	bar := a.newProgress(k.name, size, c.JSON)
	in := &intake{kind: k, place: p, tenant: tenant, dir: p.db.Directory(tenant.ID), partial: c.Partial, dryRun: c.DryRun}
	report, err := in.run(ctx, readRows(k, formatOf(c.Format, c.File), bar.reader(file)), bar.at)
	bar.end()
	if err != nil {
		return err
	}
	report.Stored = !c.DryRun && (c.Partial || report.Refused == 0)
	return c.report(a, report)
}

// report prints what became of the rows, and fails when some were refused.
func (c *hrImportCmd) report(a *app, v importView) error {
	if c.JSON {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		for _, e := range v.Errors {
			where := rowError{e.Line, e.Column, e.Name, postern.Errorf(postern.Invalid, "%s", e.Error)}
			line := where.Error()
			if e.Hint != "" {
				line += " (" + e.Hint + ")"
			}
			a.note("%s", printable(line))
		}
		if v.Refused > len(v.Errors) {
			a.note("… and there is more that is wrong; mend this first.")
		}
	}
	if v.Refused > 0 && !c.Partial {
		e := postern.Errorf(postern.Invalid, "%s refused; nothing was stored", counted(v.Refused, "row is", "rows are"))
		if good := v.Created + v.Updated; good > 0 {
			return e.WithHint("mend the file, or say --partial to store the other %d", good)
		}
		return e.WithHint("mend the file")
	}
	if !c.JSON {
		done := fmt.Sprintf("%s: %d created, %d replaced", v.Kind, v.Created, v.Updated)
		if c.DryRun {
			done += "; a dry run, nothing was stored"
		}
		fmt.Fprintln(a.stdout, done)
	}
	if v.Refused > 0 {
		return postern.Errorf(postern.Invalid, "%s refused; the others were %s", counted(v.Refused, "row was", "rows were"),
			yesNo(c.DryRun, "good", "stored"))
	}
	return nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// openFile opens a file to read and gives its size, 0 where it has none.
func (a *app) openFile(name string) (io.ReadCloser, int64, error) {
	if name == "" || name == "-" {
		return io.NopCloser(a.stdin), 0, nil
	}
	f, err := os.Open(name) //nolint:gosec // the operator names it
	if err != nil {
		return nil, 0, isMissing(name, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = postern.Errorf(postern.Invalid, "%s is a folder", name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

type hrExportCmd struct {
	hrFile
	JSON bool `help:"As --format json."`
}

func (hrExportCmd) Help() string {
	return "What is written can be imported again, and is then the same. A file is readable by its owner alone.\n\n" +
		"Examples:\n  postern hr export persons people.csv --tenant acme\n  postern hr export attendance-periods --tenant acme --format json"
}

func (c *hrExportCmd) Run(ctx context.Context, a *app) error {
	k, err := kindNamed(c.Kind)
	if err != nil {
		return err
	}
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.tenant(ctx, c.Tenant); err != nil {
		return err
	}
	if c.JSON && c.Format == formatCSV {
		return errMisused{postern.Errorf(postern.Invalid, "--json and --format csv exclude each other")}
	}
	dir, format := p.db.Directory(c.Tenant), formatOf(cmp.Or(c.Format, yesNo(c.JSON, formatJSON, "")), c.File)
	bar := a.newProgress(k.name, 0, c.File == "")
	defer bar.end()
	return a.writeFile(c.File, func(w io.Writer) error {
		columns := k.columns
		if format == formatCSV {
			var err error
			if columns, err = tableColumns(ctx, k, dir); err != nil {
				return err
			}
		}
		out, err := newRows(k, format, w, columns)
		if err != nil {
			return err
		}
		n := 0
		for row, err := range k.rows(ctx, dir) {
			if err == nil {
				err = out.write(row)
			}
			if err != nil {
				return err
			}
			n++
			bar.at(n)
		}
		return out.close()
	})
}

// writeFile writes a file as a whole: one that is there stays until the new one is
// complete. Without a name it writes to standard output.
func (a *app) writeFile(name string, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		return write(a.stdout)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.new") // 0600
	if err != nil {
		return isMissing(name, err)
	}
	err = errors.Join(write(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is of no use, and what went wrong matters more
	}
	return err
}

type hrResetCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	Yes    bool   `help:"Yes, forget it: needed for a tenant that is not the demo one."`
}

func (hrResetCmd) Help() string {
	return "Credentials, users, the sandbox and the audit trail stay.\n\nExamples:\n  postern hr reset --tenant demo\n  postern hr reset --tenant acme --yes"
}

// Run asks nothing for the demo tenant, whose people are invented and come back.
func (c *hrResetCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	if _, err := o.tenant(ctx, c.Tenant); err != nil {
		return err
	}
	if c.Tenant != demoTenant && !c.Yes {
		return errMisused{postern.Errorf(postern.Invalid, "this would forget every person of tenant %s, and cannot be undone", c.Tenant).
			WithHint("export what you need with `postern hr export`, then say --yes")}
	}
	n, err := o.ResetTenant(ctx, c.Tenant)
	if err != nil {
		return noTenant(err)
	}
	if c.Tenant != demoTenant {
		a.note("tenant %s has no persons, absences or attendance any more", c.Tenant)
		return nil
	}
	a.note("the demo company is as new: %d persons", n)
	return nil
}
