// Package console is the pages on which people manage an installation: rendered on the
// server, at /console/, of use without any script and better with it.
//
// What may be done is decided by a postern.Office, which the pages ask in the name of
// whoever is signed in; who that is, a postern.Door knows. The pages only leave out what
// a role could not do anyway.
//
// # How a page is added
//
// A page NAME is two files. templates/NAME.html defines "content" and reads the view
// as .Page; $ is the frame around it, with $.CSRF for forms and $.May for what the
// operator may do. NAME.go has, in this order:
//
//   - the view: a struct with everything that the template shows, so that the page can be
//     rendered from a literal. Its method page gives the frame: which template, which
//     title, which part of the navigation.
//   - namePages, the routes, which routes.go joins with the others;
//   - a handler for each, a func(*call) error. It reads the fields it wants by name (c.form
//     for posts, c.query for the rest), asks c.office, and ends with c.show, or, after
//     a change, with c.done, which redirects and says on the next page what was done. An
//     error that it gives back becomes a page of its own; what the person can put
//     right is shown at the field instead (c.again).
//
// A form has {{template "csrf" $}} in it. What the Office wants a recent proof for needs
// nothing else: the question comes between, with the fields of the form carried along,
// except those whose names say that they are secret. A button that cannot be undone has
// a page of its own, or has a name typed out. No template has a style attribute, an
// inline script or an address elsewhere: the Content-Security-Policy would stop it, and a
// test finds it.
//
// The view goes into the list of pages_test.go, from a literal, and `go test ./console
// -update` writes what it looks like to testdata. `go test ./console -serve
// 127.0.0.1:8100` serves all pages over an office that lives in memory, to look at them.
package console
