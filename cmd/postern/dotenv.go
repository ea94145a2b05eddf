package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"postern.dev/postern"
)

// dotenvName is read in the working directory; what the environment says stays.
const dotenvName = ".env"

// maxDotenv bounds what is read of it, in bytes.
const maxDotenv = 64 << 10

// readDotenv lays .env under the environment, and gives what people are to be told
// about the file.
func (e *env) readDotenv(path string) (warning string, err error) {
	f, err := os.Open(path) //nolint:gosec // its name is fixed
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", postern.Errorf(postern.Invalid, "%s cannot be read", path).WithHint("mend its mode, or take it away")
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.IsDir() { // a folder of that name is somebody's virtual environment
		return "", err
	}
	if foe := writtenByOthers(info); foe != "" {
		return path + " is not read: " + foe, nil
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxDotenv+1))
	if err != nil || len(raw) > maxDotenv {
		return "", postern.Errorf(postern.Invalid, "%s is longer than %d bytes, or cannot be read", path, maxDotenv)
	}
	vars, err := parseDotenv(string(raw))
	if err != nil { // it may be another program's, with more in it than we read
		return path + " is not read: " + postern.Public(err), nil
	}
	for name := range vars {
		if mayBeSecret(name) && info.Mode().Perm()&0o044 != 0 {
			warning = path + " holds secrets and others can read it; chmod 600 " + path
		}
	}
	e.dotenv = vars
	getenv := e.getenv
	e.getenv = func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return vars[name]
	}
	return warning, nil
}

// parseDotenv reads NAME=value lines, with or without `export`: a value is bare, in
// single quotes as it is, or in double quotes with \n, \t, \", \\ and \$. Nothing is
// expanded. A quoted value ends on its line.
func parseDotenv(text string) (map[string]string, error) {
	vars := map[string]string{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "export ") && !strings.Contains(line, "=") {
			continue // the last is a shell's, about variables that are set already
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if ok = ok && name != "" && !strings.ContainsAny(name, " \t'\"\x00"); ok {
			vars[name], ok = unquote(value)
		}
		if !ok {
			return nil, postern.Errorf(postern.Invalid, "line %d is not NAME=value", number)
		}
	}
	return vars, nil
}

func unquote(value string) (string, bool) {
	if value == "" || value[0] != '\'' && value[0] != '"' {
		if i := strings.Index(value, " #"); i >= 0 {
			value = strings.TrimSpace(value[:i])
		}
		return value, true
	}
	var b strings.Builder
	quote, escapes := value[0], map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '"': '"', '\\': '\\', '$': '$'}
	for i := 1; i < len(value); i++ {
		c := value[i]
		if c == quote {
			rest := strings.TrimSpace(value[i+1:])
			return b.String(), rest == "" || rest[0] == '#'
		}
		if c == '\\' && quote == '"' && i+1 < len(value) && escapes[value[i+1]] != 0 {
			i++
			c = escapes[value[i]]
		}
		b.WriteByte(c)
	}
	return "", false
}

// mayBeSecret says whether a variable holds a secret, by its name.
func mayBeSecret(name string) bool {
	for _, word := range []string{"SECRET", "PASSWORD", "TOKEN", "MASTER_KEY"} {
		if strings.Contains(name, word) && !strings.HasSuffix(name, "_FILE") && !strings.HasSuffix(name, "_URL") {
			return true
		}
	}
	return false
}

// variables gives the names of everything in the environment and in .env.
func (e *env) variables() (names []string) {
	if e.environ != nil {
		for _, v := range e.environ() {
			name, _, _ := strings.Cut(v, "=")
			names = append(names, name)
		}
	}
	for name := range e.dotenv {
		names = append(names, name)
	}
	return names
}

// withoutVariable is the same world but for one variable.
func (e *env) withoutVariable(hidden string) *env {
	other := *e
	other.getenv = func(name string) string {
		if name == hidden {
			return ""
		}
		return e.getenv(name)
	}
	return &other
}
