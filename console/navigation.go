package console

import "net/url"

// The sections of the navigation.
const (
	inOverview  = "overview"
	inClients   = "clients"
	inTry       = "try"
	inUsers     = "users"
	inTenants   = "tenants"
	inKeys      = "keys"
	inOperators = "operators"
	inAudit     = "audit"
	inSandbox   = "sandbox"
	inAccount   = "account"
)

// navigation lists the pages that an operator can go to. Those of one tenant stay with
// the tenant that is looked at.
func navigation(may May, tenant, here string) []NavGroup {
	with := func(at string) string {
		if tenant == "" || !may.Everybody {
			return at
		}
		return at + "?tenant=" + url.QueryEscape(tenant)
	}
	item := func(section, title, href string) NavItem {
		return NavItem{Title: title, Href: href, Here: section == here}
	}
	groups := []NavGroup{
		{"", []NavItem{item(inOverview, "Overview", with("/console/"))}},
		{"Integrations", []NavItem{
			item(inClients, "API credentials", with("/console/clients")),
			item(inTry, "Try it", with("/console/try")),
		}},
		{"Settings", []NavItem{
			item(inUsers, "Users", with("/console/users")),
			item(inTenants, "Tenants", "/console/tenants"),
		}},
		{"What happened", []NavItem{
			item(inAudit, "Audit", with("/console/audit")),
			item(inSandbox, "Sandbox", with("/console/sandbox")),
		}},
	}
	if may.Everybody {
		groups[2].Items = append(groups[2].Items, item(inKeys, "Signing keys", "/console/keys"))
	}
	if may.Look {
		groups[2].Items = append(groups[2].Items, item(inOperators, "Operators", "/console/operators"))
	}
	return groups
}
