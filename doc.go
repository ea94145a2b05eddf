// Package postern holds the vocabulary of Postern, the service entrance: one
// binary that issues machine-to-machine access tokens, obtains them from other
// token services, and uses them.
//
// The words, one meaning each:
//
//   - A Tenant is whose data it is. A tenant has clients and users.
//   - A Client is a machine registered with us (RFC 6749 section 1.1). It belongs to
//     one tenant.
//   - A Secret proves a client. It is shown once and stored only as a keyed hash.
//   - A User is a person with a password. A user never opens a machine API.
//   - A Request is what is asked at a token endpoint, with its proof, in no
//     provider's terms; a Token is what is given; Claims are what a token says.
//   - A Scope is one right; Scopes is a set of them.
//   - A Key signs tokens. Keys are made by us and sealed at rest.
//   - A Resource is an API that a token may be made out to (RFC 8707).
//   - A Dialect is one provider's way of writing the exchange. A Profile is the
//     part of it that decides what its tokens look like.
//   - An Issuer decides and issues. To refuse is to decide not to.
//   - A Person works for a tenant, by one Employment or several. An Absence is a
//     stretch of time for which a person is away, an Attendance one in which they worked
//     or paused; a Date is a day, a LocalTime what a clock on a wall shows.
//   - A Directory answers questions about people. A Sandbox is how it misbehaves.
//   - An Event is something that happened, kept for audit. A log is for operators.
//   - A Call is one request on its way through the server: its id, where it came
//     from, and what was learnt about it for the log.
//
// The package holds nouns and pure functions. It opens no connection, starts no
// goroutine and knows neither HTTP nor SQL; the packages beside it do.
package postern
