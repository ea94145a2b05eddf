package console_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"

	"postern.dev/postern"
)

// company is a directory with a handful of people and what keeps them away.
type company struct{ postern.Directory }

var staff = []string{"Ada Lovell", "Bruno Kest", "Chioma Ade", "Dagny Holt", "Emre Yilm", "Freya Lund", "Goran Petrov", "Hana Sato", "Ilse Maria van den Achterberg-Oosterhout", "Jon Snaer"}

func (company) Persons(context.Context, postern.PersonQuery) (postern.Page[postern.Person], error) {
	var out postern.Page[postern.Person]
	for i, name := range staff {
		p := postern.Person{ID: postern.PersonID(i + 1)}
		if _, err := fmt.Sscanf(name, "%s", &p.FirstName); err != nil {
			return out, err
		}
		p.LastName = name[len(p.FirstName)+1:]
		out.Items = append(out.Items, p)
	}
	out.Next = "10"
	return out, nil
}

func (company) AbsenceTypes(context.Context, postern.Paging) (postern.Page[postern.AbsenceType], error) {
	return postern.Page[postern.AbsenceType]{Items: []postern.AbsenceType{{ID: "t1", Name: "Vacation"}, {ID: "t2", Name: "Sick"}, {ID: "t3", Name: "Parental leave"}}}, nil
}

func (company) Absences(context.Context, postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	day := func(d int) postern.Date { return postern.NewDate(2026, 11, d) }
	away := func(who postern.PersonID, kind string, status postern.Approval, span postern.Span) postern.Absence {
		return postern.Absence{Person: who, Type: kind, Status: status, Span: span}
	}
	return postern.Page[postern.Absence]{Items: []postern.Absence{
		away(1, "t1", postern.Approved, postern.DaySpan(day(-3), day(6), false, false)),
		away(2, "t2", postern.Approved, postern.DaySpan(day(10), day(12), true, false)),
		away(4, "t1", postern.Pending, postern.DaySpan(day(16), day(27), false, true)),
		away(6, "t3", postern.Approved, postern.DaySpan(day(19), 0, false, false)),
		away(7, "t1", postern.Rejected, postern.DaySpan(day(2), day(27), false, false)),
		away(8, "t2", postern.Approved, postern.DaySpan(day(23), day(23), false, true)),
		away(9, "t1", postern.Approved, postern.DaySpan(day(23), day(30), false, false)),
	}}, nil
}

// tokens is a token endpoint. It answers with the same token whatever comes.
func tokens(w http.ResponseWriter, r *http.Request) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	w.Header().Set("Content-Type", "application/json")
	if r.PostFormValue("client_secret") == "wrong" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
		return
	}
	_, _ = w.Write([]byte(`{"access_token":"` + part(`{"alg":"ES256","kid":"4f1d2c90ab"}`) + "." + part(`{"iss":"http://127.0.0.1:8100","sub":"aaclient","scope":"api:persons:read","exp":1795435200}`) +
		`.c2lnbmF0dXJl","token_type":"Bearer","expires_in":3600}`))
}
