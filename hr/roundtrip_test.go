package hr_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// What our remote writes through our server into a real database, it reads back.
func TestAPersonSurvivesTheWire(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	m := h.remote(h.token(testTenant, "personio-v2", hr.Scopes()))
	in := postern.Person{Email: "bo@firm.test", FirstName: "Bo", LastName: "Bare", PreferredName: "B", Gender: postern.GenderDiverse, Language: "de",
		Custom: []postern.Attribute{{Key: "dynamic_1", Kind: postern.AttributeText, Value: "x"}, {Key: "dynamic_2", Kind: postern.AttributeInt, Value: "5"},
			{Key: "dynamic_3", Kind: postern.AttributeList, Values: []string{"a", "b"}}, {Key: "dynamic_4", Kind: postern.AttributeBool, Value: "true"}},
		Employments: []postern.Employment{{Position: "Engineer", Status: postern.EmploymentActive, Type: "EXTERNAL", Start: postern.NewDate(2024, 1, 2),
			ProbationEnd: postern.NewDate(2024, 7, 1), WeeklyHours: 30, FullTimeHours: 40, Supervisor: h.acme.person, Office: postern.Ref{ID: "1"}, Team: postern.Ref{ID: "4"},
			CostCenters: []postern.CostCenter{{Ref: postern.Ref{ID: "7"}, Weight: 100}}}}}
	id, err := m.CreatePerson(t.Context(), in, postern.Write{Key: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.CreatePerson(t.Context(), in, postern.Write{Key: "k1"})
	if err != nil || again != id {
		t.Errorf("the same key again: %d, %v, want %d", again, err, id)
	}
	got, err := m.Person(t.Context(), id)
	if err != nil || len(got.Employments) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := in
	want.ID, want.Active, want.Picture, want.Language = id, true, true, "" // the wire does not tell the language, and always links a picture
	want.CreatedAt, want.UpdatedAt = got.CreatedAt, got.UpdatedAt
	e, g := &in.Employments[0], &got.Employments[0]
	e.ID, e.Person, e.CreatedAt, e.UpdatedAt = g.ID, id, g.CreatedAt, g.UpdatedAt
	for i := range got.Custom {
		got.Custom[i].Label = ""
	}
	slices.SortFunc(got.Custom, func(a, b postern.Attribute) int { return strings.Compare(a.Key, b.Key) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	best, none := "Best", ""
	if err := m.ChangePerson(t.Context(), id, postern.PersonChange{LastName: &best, PreferredName: &none}, postern.Write{}); err != nil {
		t.Fatal(err)
	}
	lead, nobody := "Lead", postern.PersonID(0)
	if err := m.ChangeEmployment(t.Context(), id, g.ID, postern.EmploymentChange{Position: &lead, Supervisor: &nobody, Department: &postern.Ref{ID: "9"}}, postern.Write{}); err != nil {
		t.Fatal(err)
	}
	got, err = m.Person(t.Context(), id)
	if err != nil || got.LastName != "Best" || got.PreferredName != "" || got.Employments[0].Position != "Lead" || got.Employments[0].Supervisor != 0 ||
		got.Employments[0].Team.ID != "4" || got.Employments[0].Department.ID != "9" {
		t.Errorf("changed: %+v, %v", got, err)
	}
	if err := m.DeletePerson(t.Context(), id, postern.Write{}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Person(t.Context(), id); postern.CodeOf(err) != postern.NotFound {
		t.Errorf("a deleted person: %v", err)
	}
}

// A walk over all pages meets everybody once, in order, whatever the size of a page.
func TestAWalkMeetsEverybodyOnce(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	token := h.token(testTenant, "personio-v2", hr.Scopes())
	m := h.remote(token)
	want := []postern.PersonID{h.acme.person}
	for i := range 23 {
		id, err := h.db.Directory(testTenant).CreatePerson(t.Context(), postern.Person{FirstName: "P", LastName: fmt.Sprint(i)}, postern.Write{Actor: "test"})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 7, 24, 50} {
		var got []postern.PersonID
		for p := (postern.Paging{Limit: limit}); ; {
			page, err := m.Persons(t.Context(), postern.PersonQuery{Paging: p})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page.Items {
				got = append(got, x.ID)
			}
			if page.Next == "" {
				break
			}
			p.After = page.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", limit, got, want)
		}
	}
	page, err := m.Persons(t.Context(), postern.PersonQuery{Paging: postern.Paging{Limit: 1}})
	if err != nil {
		t.Fatal(err)
	}
	other := h.remote(h.token(otherTenant, "personio-v2", hr.Scopes()))
	if _, err := other.Persons(t.Context(), postern.PersonQuery{Paging: postern.Paging{After: page.Next}}); postern.CodeOf(err) != postern.Invalid {
		t.Errorf("the cursor of another tenant: %v", err)
	}
}

func TestPersonsAreFoundByEveryFilter(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	m := h.remote(h.token(testTenant, "personio-v2", hr.Scopes()))
	ada, err := m.Person(t.Context(), h.acme.person)
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	second := postern.TimeRange{From: ada.UpdatedAt, To: ada.UpdatedAt}
	for name, c := range map[string]struct {
		q     postern.PersonQuery
		found int
	}{
		"id":          {postern.PersonQuery{IDs: []postern.PersonID{ada.ID, 5}}, 1},
		"another id":  {postern.PersonQuery{IDs: []postern.PersonID{h.globex.person}}, 0},
		"address":     {postern.PersonQuery{Emails: []string{ada.Email, "x@y.test"}}, 1},
		"name":        {postern.PersonQuery{FirstName: "Ada", LastName: "Test"}, 1},
		"other name":  {postern.PersonQuery{FirstName: "Ada", LastName: "Bo"}, 0},
		"active":      {postern.PersonQuery{Active: &yes}, 1},
		"not active":  {postern.PersonQuery{Active: &no}, 0},
		"that moment": {postern.PersonQuery{Updated: second}, 1},
		"later":       {postern.PersonQuery{Updated: postern.TimeRange{From: ada.UpdatedAt.Add(time.Millisecond)}}, 0},
		"earlier":     {postern.PersonQuery{Created: postern.TimeRange{To: ada.CreatedAt.Add(-time.Millisecond)}}, 0},
	} {
		c.q.Limit = 10
		page, err := m.Persons(t.Context(), c.q)
		if err != nil || len(page.Items) != c.found {
			t.Errorf("%s: %d, %v, want %d", name, len(page.Items), err, c.found)
		}
	}
	detailed, err := m.Persons(t.Context(), postern.PersonQuery{Detail: true, Paging: postern.Paging{Limit: 10}})
	if err != nil || len(detailed.Items) != 1 || detailed.Items[0].Employments[0].Position != "Engineer" {
		t.Errorf("in detail: %+v, %v", detailed, err)
	}
}

func TestAnAddressThatIsNoneIsNotDialled(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "api.test", "ftp://api.test", "https://", "https://a:b@api.test", "https://api.test?a=b", "https://api.test#a", "://"} {
		if _, err := hr.Dial(base, nil); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%q: %v", base, err)
		}
	}
	for _, base := range []string{"https://api.test", "https://api.test/", "https://api.test/v2", "https://api.test/v1/"} {
		var asked string
		m, err := hr.Dial(base, &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.String()
			return reply(200, `{"_data":[]}`), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.AbsenceTypes(t.Context(), postern.Paging{Limit: 1}); err != nil || asked != "https://api.test/v2/absence-types?limit=1" {
			t.Errorf("%s asks %s: %v", base, asked, err)
		}
	}
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// What goes wrong on the way says so without the query, which may name a person, and
// keeps an error of the transport, which knows why there is no token.
func TestARemoteThatCannotBeReachedSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		transport transport
		code      postern.Code
		says      string
	}{
		"no network": {func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }, postern.Unavailable, "could not be reached"},
		"no token": {func(*http.Request) (*http.Response, error) {
			return nil, postern.Errorf(postern.Unauthenticated, "the secret is wrong")
		}, postern.Unauthenticated, "the secret is wrong"},
		"too long": {func(r *http.Request) (*http.Response, error) {
			resp := reply(200, "")
			resp.Body, resp.Request = io.NopCloser(io.LimitReader(endless{}, 9<<20)), r
			return resp, nil
		}, postern.Unavailable, "longer than"},
		"broken off": {func(r *http.Request) (*http.Response, error) {
			resp := reply(200, "")
			resp.Body, resp.Request = io.NopCloser(io.MultiReader(strings.NewReader(`{"_data":`), broken{})), r
			return resp, nil
		}, postern.Unavailable, "broke off"},
	} {
		m, err := hr.Dial(testOrigin, &http.Client{Transport: c.transport})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Persons(t.Context(), postern.PersonQuery{Emails: []string{"ada@firm.test"}})
		if postern.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "firm.test") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("reset") }
