package hr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// A filter that cannot be read must not look like one that everybody passes.
func TestAQueryThatCannotBeReadIsRefusedAndNotLeftOut(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/v2/persons?email=100%":                    "Provided filter encoding is invalid.",
		"/v2/persons?limit=%zz":                     "Provided filter encoding is invalid.",
		"/v2/absence-periods?person.id=3;limit=1":   "Provided filter encoding is invalid.",
		"/v1/company/employees?email=a%b@firm.test": "The given data failed to pass validation.",
	} {
		h := newHouse(&scripted{t: t}).handler(t) // nothing is asked of the directory
		r := send(t, h, "GET", target, "")
		if r.Code < 400 || r.Code >= 500 || !strings.Contains(r.Body.String(), want) {
			t.Errorf("%s: %d %s", target, r.Code, r.Body)
		}
	}
}

func TestABodyIsReadAsItIsMeant(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"first_name":true}`: "first_name is a text, and cannot be true",
		`{"first_name":12}`:   "first_name is a text, and cannot be 12",
		`{"employments":[{"employment_start_date":"2026-12-01Tgarbage"}]}`:   "is not a date",
		`{"employments":[{"employment_start_date":"2026-12-01T09:00:00Z"}]}`: "",
		`{"employments":[{"supervisor":{"id":3}}]}`:                          "", // ids are numbers elsewhere
		`{"employments":[{"supervisor":"3"}]}`:                               "has to be an object",
		`{"employments":"x"}`:                                                "has to be a list",
	} {
		_, err := hr.DecodePersonBody([]byte(body))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", body, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestOnlyAFieldThatIsNearIsSuggested(t *testing.T) {
	t.Parallel()
	house := newHouse(&scripted{t: t})
	for field, want := range map[string]string{"emial": "did you mean email?", "firstname": "did you mean first_name?", "Gender": "did you mean gender?"} {
		if w := send(t, house.handler(t), "POST", "/v2/persons", `{"`+field+`":"x"}`); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", field, w.Code, w.Body)
		}
	}
	for _, field := range []string{"foo", "abc", "x"} {
		if w := send(t, house.handler(t), "POST", "/v2/attendance-periods", `{"`+field+`":1}`); w.Code != 400 || strings.Contains(w.Body.String(), "did you mean") {
			t.Errorf("%s: %d %s", field, w.Code, w.Body)
		}
	}
}

func TestARefusalOfATenantSaysWhatToSend(t *testing.T) {
	t.Parallel()
	house := newHouse(&scripted{t: t})
	for _, tenant := range []string{"other", "closed", "nobody"} {
		w := send(t, house.handler(t), "GET", "/v2/persons", "", "X-Tenant-Id", tenant)
		if w.Code != 403 || !strings.Contains(w.Body.String(), `"hint":"name a tenant that the client was granted in X-Tenant-Id`) {
			t.Errorf("%s: %d %s", tenant, w.Code, w.Body)
		}
	}
}

func TestALanguageIsOneThatTheAPIKnows(t *testing.T) {
	t.Parallel()
	w := send(t, newHouse(&scripted{t: t}).handler(t), "POST", "/v2/persons", `{"first_name":"Ada","last_name":"Test","language_code":"xx"}`)
	if w.Code != 422 || !strings.Contains(w.Body.String(), "de, en, es, fi, fr, it, nl, sv") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAValueOfACustomAttributeIsNoObject(t *testing.T) {
	t.Parallel()
	w := send(t, newHouse(&scripted{t: t}).handler(t), "POST", "/v2/persons",
		`{"first_name":"Ada","last_name":"Test","custom_attributes":[{"id":"dynamic_5","value":{"a":[1,2]}}]}`)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "custom_attributes[].value") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestACostCenterBearsAPartAndNoMore(t *testing.T) {
	t.Parallel()
	for _, weight := range []string{"101", "-1", "500"} {
		w := send(t, newHouse(&scripted{t: t, steps: []step{{Gives: 12.0}}}).handler(t), "POST", "/v2/persons", `{"first_name":"Ada","last_name":"Test",
			"employments":[{"employment_start_date":"2026-01-01","cost_centers":[{"id":"1","weight":`+weight+`}]}]}`)
		if w.Code != 422 || !strings.Contains(w.Body.String(), "0 to 100 percent") {
			t.Errorf("%s: %d %s", weight, w.Code, w.Body)
		}
	}
}

// The wire has ids alone. Who sends back the id that they read has not changed a name.
func TestAChangeThatRepeatsAnIDKeepsItsName(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	dir := h.db.Directory(testTenant)
	named := postern.Employment{Status: postern.EmploymentActive, Type: "INTERNAL", Start: postern.NewDate(2024, 1, 2),
		Office: postern.Ref{ID: "11", Name: "Berlin"}, LegalEntity: postern.Ref{ID: "1", Name: "Firm"}, Team: postern.Ref{ID: "4", Name: "Core"},
		Department: postern.Ref{ID: "5", Name: "Engineering"}, CostCenters: []postern.CostCenter{{Ref: postern.Ref{ID: "7", Name: "General"}, Weight: 100}}}
	id, err := dir.CreatePerson(t.Context(), postern.Person{FirstName: "Ada", LastName: "Test", Employments: []postern.Employment{named}}, postern.Write{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := dir.Person(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/v2/persons/%d/employments/%s", id, p.Employments[0].ID)
	w := send(t, h.handler, "PATCH", path, `{"office":{"id":"11"},"legal_entity":{"id":"2"},"org_units":[{"type":"team","id":"4"},{"type":"department","id":"6"}],
		"cost_centers":[{"id":"8","weight":40},{"id":"7","weight":60}]}`, "Authorization", "Bearer "+h.token(testTenant, "personio-v2", hr.Scopes()))
	if w.Code != 204 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got, err := dir.Employment(t.Context(), id, p.Employments[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	refs := []postern.Ref{got.Office, got.LegalEntity, got.Team, got.Department, got.CostCenters[0].Ref, got.CostCenters[1].Ref}
	want := []postern.Ref{{ID: "11", Name: "Berlin"}, {ID: "2"}, {ID: "4", Name: "Core"}, {ID: "6"}, {ID: "8"}, {ID: "7", Name: "General"}}
	if diff := cmp.Diff(want, refs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
