package registrar

import (
	"context"

	"postern.dev/postern"
)

// proven gives who holds a cookie, and fails with StaleProof when they did not prove it
// lately.
func (r *Registrar) proven(ctx context.Context, cookie postern.Secret) (postern.Operator, postern.Session, error) {
	op, s, err := r.holder(ctx, cookie)
	if err == nil && r.now().Sub(s.ProvenAt) > ProofLife {
		err = staleProof()
	}
	return op, s, err
}

// ChangePassword gives the holder of a cookie another password. Every other session of
// theirs ends.
func (r *Registrar) ChangePassword(ctx context.Context, cookie, password postern.Secret, b postern.Browser) error {
	op, s, err := r.proven(ctx, cookie)
	if err != nil {
		return err
	}
	if err := checkOperatorPassword(&op, password); err != nil {
		return err
	}
	hash, err := r.cfg.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = r.setPassword(ctx, op, hash, b, "password", s.ID)
	return err
}

// NewTOTP makes the secret of a second factor. Nothing is kept of it.
func (r *Registrar) NewTOTP(ctx context.Context, cookie postern.Secret) (postern.Secret, error) {
	op, _, err := r.proven(ctx, cookie)
	if err != nil {
		return postern.Secret{}, err
	}
	return newTOTP(op.Email), nil
}

// KeepTOTP makes the secret in uri the second factor, instead of another if there is one,
// once it is shown a code of it. Every other session ends.
func (r *Registrar) KeepTOTP(ctx context.Context, cookie, uri postern.Secret, code string, b postern.Browser) error {
	op, s, err := r.proven(ctx, cookie)
	if err != nil {
		return err
	}
	secret, err := readTOTP(uri)
	if err != nil {
		return err
	}
	step, ok := stepOf(secret, code, r.now(), 0)
	if !ok {
		return invalid("code", "this is not the code that the app shows now").WithHint("look at the clock of the device, then give the next code")
	}
	sealed := r.cfg.Box.Seal(totpContext(op.ID), secret)
	return r.changeTOTP(ctx, op, s, r.own(&op, b, postern.ActOperatorChanged, "second factor set"), sealed, step)
}

// DropTOTP takes the second factor away. Every other session ends.
func (r *Registrar) DropTOTP(ctx context.Context, cookie postern.Secret, b postern.Browser) error {
	op, s, err := r.proven(ctx, cookie)
	if err != nil {
		return err
	}
	return r.changeTOTP(ctx, op, s, r.own(&op, b, postern.ActOperatorChanged, "second factor dropped"), "", 0)
}

func (r *Registrar) changeTOTP(ctx context.Context, op postern.Operator, s postern.Session, ev postern.Event, sealed string, step int64) error {
	if _, err := r.cfg.Store.ChangeOperator(ctx, op.ID, ev, func(o *postern.Operator) error {
		o.TOTP, o.TOTPStep = sealed, step
		return nil
	}); err != nil {
		return err
	}
	return r.cfg.Store.DeleteSessions(ctx, op.ID, s.ID)
}
