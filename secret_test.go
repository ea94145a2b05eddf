package postern_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"postern.dev/postern"
)

var fingerprint = regexp.MustCompile(`\[secret [0-9a-f]{8}\]`)

// shown fails when text holds the secret in any spelling that formatting could
// give it, or does not hold a fingerprint.
func shown(t *testing.T, how, text, value string) {
	t.Helper()
	for _, spelling := range []string{value, value[4:24], fmt.Sprintf("%x", value), fmt.Sprintf("%X", value),
		fmt.Sprintf("% x", value), strings.Trim(fmt.Sprint([]byte(value)), "[]")} {
		if strings.Contains(text, spelling) {
			t.Errorf("%s: the secret is there: %q", how, text)
		}
	}
	if !fingerprint.MatchString(text) {
		t.Errorf("%s: got %q, want a fingerprint", how, text)
	}
}

type holder struct {
	Name   string
	Secret postern.Secret
	Ref    *postern.Secret
	Map    map[string]postern.Secret
	List   []postern.Secret
	Any    any
}

func TestSecretsShowAFingerprintThroughEveryFormat(t *testing.T) {
	t.Parallel()
	value := postern.GenerateSecret().Reveal()
	s := postern.NewSecret(value)
	h := holder{Secret: s, Ref: &s, Map: map[string]postern.Secret{"k": s}, List: []postern.Secret{s}, Any: s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%U", "%10.3s", "%e", "%c", "%b", "%o"} {
		for name, v := range map[string]any{"value": s, "pointer": &s, "struct": h, "pointer to struct": &h,
			"slice": []postern.Secret{s}, "map value": map[string]postern.Secret{"k": s}, "any": []any{s}} {
			text := fmt.Sprintf(verb, v)
			if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "(*") {
				// A pointer inside a struct or a slice is printed as an address.
				t.Errorf("%s of a %s: got %q", verb, name, text)
			}
			shown(t, verb+" of a "+name, text, value)
		}
	}
	shown(t, "Sprint", fmt.Sprint(s), value)
	shown(t, "Sprintln", fmt.Sprintln(s, &s), value)
	shown(t, "String", s.String(), value)
	shown(t, "GoString", s.GoString(), value)
	shown(t, "an error", fmt.Errorf("login with %v: %w", s, errors.New("no")).Error(), value)
	shown(t, "a message", postern.Errorf(postern.Invalid, "%s", s).Error(), value)
	shown(t, "a panic value", fmt.Sprint(any(s)), value)
}

func TestSecretsShowAFingerprintThroughEveryEncoder(t *testing.T) {
	t.Parallel()
	value := postern.GenerateSecret().Reveal()
	s := postern.NewSecret(value)
	var text encoding.TextMarshaler = s
	b, err := text.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	shown(t, "MarshalText", string(b), value)
	for _, v := range []any{s, &s, holder{Secret: s}, map[postern.Secret]int{s: 1}, []postern.Secret{s}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown(t, fmt.Sprintf("JSON of %T", v), string(b), value)
	}
	var out bytes.Buffer
	if err := template.Must(template.New("").Parse("{{.}}")).Execute(&out, s); err != nil {
		t.Fatal(err)
	}
	shown(t, "text/template", out.String(), value)
}

func TestSecretsShowAFingerprintThroughEveryLog(t *testing.T) {
	t.Parallel()
	value := postern.GenerateSecret().Reveal()
	s := postern.NewSecret(value)
	var out bytes.Buffer
	for name, h := range map[string]slog.Handler{
		"text": slog.NewTextHandler(&out, nil), "json": slog.NewJSONHandler(&out, nil),
	} {
		for how, args := range map[string][]any{
			"value": {"k", s}, "pointer": {"k", &s}, "group": {slog.Group("g", "k", s)}, "struct": {"k", holder{Secret: s}},
			"slice": {"k", []postern.Secret{s}}, "map": {"k", map[string]postern.Secret{"k": s}},
			"error": {"err", postern.Errorf(postern.Invalid, "bad %v", s)}, "any": {slog.Any("k", s)},
			"request": {"req", postern.Request{ClientID: "c", Secret: s}}, "token": {"tok", postern.Token{Value: s}},
		} {
			out.Reset()
			slog.New(h).Info("said", args...)
			shown(t, name+" log of a "+how, out.String(), value)
			out.Reset()
			slog.New(h).With(args...).Info("said")
			shown(t, name+" log with a "+how, out.String(), value)
		}
	}
}

func TestTheAbsenceOfASecretIsShownAsSuch(t *testing.T) {
	t.Parallel()
	var s postern.Secret
	if !s.Empty() || s.Reveal() != "" || fmt.Sprintf("%#v", s) != "[no secret]" {
		t.Errorf("got %#v", s)
	}
	if postern.NewSecret("x").Empty() {
		t.Error("a secret of one byte is no absence")
	}
}

func TestFingerprintsTellSecretsApartAndStaySame(t *testing.T) {
	t.Parallel()
	a, b := postern.NewSecret("one"), postern.NewSecret("two")
	if a.String() == b.String() {
		t.Errorf("%v and %v look alike", a, b)
	}
	if a.String() != postern.NewSecret("one").String() {
		t.Error("one secret has two fingerprints")
	}
}

var generated = regexp.MustCompile(`^pst_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$`)

// scanner is the expression that docs/operations.md gives to secret scanners.
var scanner = regexp.MustCompile(`\bpst_[0-9A-Za-z]{49}\b`)

func TestGeneratedSecretsAreUniqueAndEvenlySpread(t *testing.T) {
	t.Parallel()
	const n = 10_000
	seen := make(map[string]bool, n)
	digits := map[byte]int{}
	for range n {
		s := postern.GenerateSecret().Reveal()
		if !generated.MatchString(s) || !postern.LooksGenerated(s) {
			t.Fatalf("%q is not in the format", s)
		}
		if seen[s] {
			t.Fatalf("%q twice", s)
		}
		seen[s] = true
		for i := range 20 { // the low digits of the number; the first is not uniform
			digits[s[len("pst_")+43-1-i]]++
		}
	}
	// 200 000 draws from 62 digits: the expected count is 3226 each and its
	// standard deviation 56. Eight of them are less likely than a broken machine.
	want := 20.0 * n / 62
	for d, count := range digits {
		if math.Abs(float64(count)-want) > 8*math.Sqrt(want) {
			t.Errorf("digit %c came %d times, want about %.0f", d, count, want)
		}
	}
	if len(digits) != 62 {
		t.Errorf("got %d different digits, want 62", len(digits))
	}
}

func TestTheScannersExpressionFindsGeneratedSecrets(t *testing.T) {
	t.Parallel()
	s := postern.GenerateSecret().Reveal()
	for _, text := range []string{s, `secret = "` + s + `"`, "x=" + s + "&y=1", "a " + s + "\n"} {
		if got := scanner.FindString(text); got != s {
			t.Errorf("in %q: got %q", text, got)
		}
	}
	doc, err := os.ReadFile(filepath.Join("docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "`"+scanner.String()+"`") {
		t.Errorf("docs/operations.md does not give the expression %s", scanner)
	}
}

func TestOneChangedCharacterIsNoGeneratedSecret(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-. \x00é"
	s := postern.GenerateSecret().Reveal()
	for i := range len(s) {
		for _, r := range alphabet {
			if changed := s[:i] + string(r) + s[i+1:]; changed != s && postern.LooksGenerated(changed) {
				t.Fatalf("position %d: %q passes for generated", i, changed)
			}
		}
	}
	for _, wrong := range []string{"", "pst_", s[1:], s[:len(s)-1], s + "0", " " + s, s + "\n", strings.ToUpper(s),
		"PST_" + s[4:], "pst_" + strings.Repeat("0", 49), "pst_" + strings.Repeat("z", 49)} {
		if postern.LooksGenerated(wrong) {
			t.Errorf("%q passes for generated", wrong)
		}
	}
}

func FuzzLooksGenerated(f *testing.F) {
	f.Add(postern.GenerateSecret().Reveal())
	f.Add("pst_")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if postern.LooksGenerated(s) && !generated.MatchString(s) {
			t.Errorf("%q passes for generated and is not in the format", s)
		}
	})
}

func TestASecretInAnUnexportedFieldIsNotPrinted(t *testing.T) {
	t.Parallel()
	type holder struct{ s postern.Secret }
	h := holder{postern.NewSecret("canary-in-a-field")}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "holder", h)
	for _, got := range []string{fmt.Sprint(h), fmt.Sprintf("%v %+v %#v", h, h, h), log.String()} {
		if strings.Contains(got, "canary") {
			t.Errorf("printed as %s", got)
		}
	}
	if h.s.Empty() {
		t.Error("it is empty")
	}
}
