package hr_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"postern.dev/postern"
)

func TestABreakdownIsReadPageByPage(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	first := postern.NewDate(2026, 3, 2)
	for i := range 60 {
		amount := []float64{1, 0.5, 0}[i%3]
		dir.days = append(dir.days, postern.AbsenceDay{Date: first + postern.Date(i), Unit: postern.Days, Amount: amount})
	}
	api := behind(t, dir, nil)
	got, err := remoteOf(t, api).Breakdown(t.Context(), absenceID)
	if diff := cmp.Diff(dir.days, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	w := send(t, api, http.MethodGet, "/v2/absence-periods/"+absenceID+"/breakdowns?limit=2", "")
	if want := `{"_data":[{"date":"2026-03-02","effective_duration":{"unit":"DAY","value":1}},{"date":"2026-03-03","effective_duration":{"unit":"DAY","value":0.5}}],"_meta":`; !strings.HasPrefix(w.Body.String(), want) {
		t.Errorf("got %s, want %s", w.Body, want)
	}
	dir.days = nil
	if got, err := remoteOf(t, api).Breakdown(t.Context(), absenceID); err != nil || len(got) != 0 {
		t.Errorf("no days: got %v, %v", got, err)
	}
}

func TestAbsenceTypesAreReadByBothEnds(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	api := behind(t, dir, nil)
	if w := send(t, api, http.MethodGet, "/v2/absence-types/"+leaveID, ""); w.Body.String() != `{"id":"`+leaveID+`","name":"Leave","category":"paid_vacation","unit":"DAY"}` {
		t.Errorf("got %s", w.Body)
	}
	if w := send(t, api, http.MethodGet, "/v2/absence-types/"+errandsID, ""); w.Body.String() != `{"id":"`+errandsID+`","name":"Errands","category":null,"unit":"HOUR"}` {
		t.Errorf("got %s", w.Body)
	}
	m := remoteOf(t, api)
	var got []postern.AbsenceType
	for p := (postern.Paging{Limit: 1}); ; {
		page, err := m.AbsenceTypes(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Items...)
		if p.After = page.Next; p.After == "" {
			break
		}
	}
	for i := range got {
		got[i].Number = dir.types[i].Number // not on this wire
	}
	if diff := cmp.Diff(dir.types, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := m.AbsenceType(t.Context(), unknownID); postern.CodeOf(err) != postern.NotFound {
		t.Errorf("unknown: got %v", err)
	}
}
