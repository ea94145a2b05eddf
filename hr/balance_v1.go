package hr

import (
	"context"
	"net/http"
	"strconv"

	"postern.dev/postern"
)

// What is left of an employee's entitlements. Only version 1 has it.
//
//	GET /v1/company/employees/12/absences/balance
//	200 {"success":true,"data":[{"id":9,"name":"Leave","category":"paid_vacation","balance":21.5,"available_balance":19}]}

// balanceV1 is one balance on the wire.
type balanceV1 struct {
	ID        looseInt   `json:"id"`
	Name      looseText  `json:"name"`
	Category  looseText  `json:"category"`
	Balance   looseFloat `json:"balance"`
	Available looseFloat `json:"available_balance"`
}

func listBalances(c *call) error {
	p, err := c.employee()
	if err != nil {
		return err
	}
	some, err := c.dir.Balances(c.ctx, p.ID)
	if err != nil {
		return err
	}
	out := []balanceV1{}
	for _, b := range some {
		out = append(out, balanceV1{looseInt(b.Type.Number), looseText(b.Type.Name), looseText(b.Type.Category),
			looseFloat(b.Balance), looseFloat(b.Available)})
	}
	return c.answer(http.StatusOK, out)
}

// balancesPath is where the balances of a person are.
func balancesPath(person postern.PersonID) string {
	return employeesV1Path + "/" + strconv.FormatInt(int64(person), 10) + "/absences/balance"
}

// balances reads them. Of the type the wire has the number, the name and the category.
func balances(data looseList[balanceV1]) []postern.Balance {
	var out []postern.Balance
	for _, b := range data {
		out = append(out, postern.Balance{
			Type:    postern.AbsenceType{Number: int64(b.ID), Name: string(b.Name), Category: string(b.Category), Unit: postern.Days},
			Balance: float64(b.Balance), Available: float64(b.Available),
		})
	}
	return out
}

// Balances gives what a person has left of every entitlement. It fails with NotFound.
func (r *RemoteV1) Balances(ctx context.Context, person postern.PersonID) ([]postern.Balance, error) {
	var e envelopeV1[looseList[balanceV1]]
	err := r.get(ctx, balancesPath(person), nil, &e)
	return balances(e.Data), err
}
