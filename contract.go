package postern

import (
	"context"
	"time"
)

// Issuer decides and issues. Every method answers with an *Error that the wire
// can translate; none leaks why a client or a person was not accepted.
type Issuer interface {
	// Issue checks the proof in req and gives the token, once the event is durable.
	Issue(ctx context.Context, req Request) (Token, error)
	// Refuse records that req was refused before Issue could be asked, because it
	// could not be read. It returns the error to answer with: err, or TooMany.
	Refuse(ctx context.Context, req Request, err error) error
	// Verify checks a token of ours: signature, time, revocation, the state of its
	// client, tenant and user, and want. It fails with Unauthenticated (BadToken) or
	// Forbidden (LowScope).
	Verify(ctx context.Context, raw string, want Want) (Claims, error)
	// Introspect answers RFC 7662 for the client that req proves. It fails with
	// NotFound for a token that is not active or not the caller's to see.
	Introspect(ctx context.Context, req Request, raw string) (Claims, error)
	// Revoke ends a token (RFC 7009). The proof is req's client, or, where req
	// names none, the token itself. Unknown and foreign tokens are no error.
	Revoke(ctx context.Context, req Request, raw string) error
}

// KeySet gives the public keys that tokens of ours may be verified with,
// including those that do not sign yet.
type KeySet interface {
	PublicKeys() []Key
}

// TokenSource gives tokens of upstreams, by their name.
type TokenSource interface {
	// Token gives a token that lives for goodFor at least, from memory if there is one;
	// 0 takes any that lives. The caller waits no longer than ctx. It fails with NotFound
	// for an upstream that is not configured, and else with what the token server, or the
	// way to it, had against the request.
	Token(ctx context.Context, upstream string, goodFor time.Duration) (Token, error)
	// Drop says that an API refused token, so that the next call of Token asks for
	// another. It does nothing when another token is held by now.
	Drop(upstream string, token Secret)
}

// A Directory answers questions about the people of one tenant, and changes what it
// knows about them. It is the tenant's part of a database, or somebody else's service.
// What is not there is NotFound; what breaks a rule of the noun is Invalid, with Param
// naming the field; a change that another stands in the way of is Conflict.
type Directory interface {
	Persons
	Employments
	AbsenceTypes
	Absences
	Attendances
}

// Persons is the part of a Directory about persons.
type Persons interface {
	Persons(ctx context.Context, q PersonQuery) (Page[Person], error)
	// Person gives one person, with whole employments.
	Person(ctx context.Context, id PersonID) (Person, error)
	// CreatePerson adds a person and the employments in it, and gives its number. It
	// fails with Conflict when the e-mail address is taken.
	CreatePerson(ctx context.Context, p Person, w Write) (PersonID, error)
	ChangePerson(ctx context.Context, id PersonID, c PersonChange, w Write) error
	// DeletePerson forgets a person and everything about them.
	DeletePerson(ctx context.Context, id PersonID, w Write) error
}

// Employments is the part of a Directory about employments.
type Employments interface {
	Employments(ctx context.Context, q EmploymentQuery) (Page[Employment], error)
	Employment(ctx context.Context, person PersonID, id string) (Employment, error)
	ChangeEmployment(ctx context.Context, person PersonID, id string, c EmploymentChange, w Write) error
}

// AbsenceTypes is the part of a Directory about types of absence, which come in the
// order of their number.
type AbsenceTypes interface {
	AbsenceTypes(ctx context.Context, p Paging) (Page[AbsenceType], error)
	AbsenceType(ctx context.Context, id string) (AbsenceType, error)
	// Balances gives what a person has left of every entitlement this year.
	Balances(ctx context.Context, person PersonID) ([]Balance, error)
}

// Absences is the part of a Directory about absences.
type Absences interface {
	Absences(ctx context.Context, q AbsenceQuery) (Page[Absence], error)
	Absence(ctx context.Context, id string) (Absence, error)
	// CreateAbsence adds an absence and gives it as it was stored: with its id, its
	// zone and its status. It fails with Conflict when another of the person overlaps.
	CreateAbsence(ctx context.Context, a Absence, w Write) (Absence, error)
	ChangeAbsence(ctx context.Context, id string, c AbsenceChange, w Write) error
	DeleteAbsence(ctx context.Context, id string, w Write) error
	// Breakdown gives what an absence takes of each of its days, in their order.
	Breakdown(ctx context.Context, id string) ([]AbsenceDay, error)
}

// Attendances is the part of a Directory about attendance.
type Attendances interface {
	Attendances(ctx context.Context, q AttendanceQuery) (Page[Attendance], error)
	Attendance(ctx context.Context, id string) (Attendance, error)
	// CreateAttendance adds a period and gives it as it was stored.
	CreateAttendance(ctx context.Context, a Attendance, w Write) (Attendance, error)
	ChangeAttendance(ctx context.Context, id string, c AttendanceChange, w Write) error
	// DeleteAttendance forgets a period, and with work the breaks in it.
	DeleteAttendance(ctx context.Context, id string, w Write) error
}
