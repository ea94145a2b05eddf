package admin

import (
	"context"
	"net/http"

	"postern.dev/postern"
)

// Health is how an installation stands, on the wire.
type Health struct {
	Nodes    []Node           `json:"nodes"`
	Database string           `json:"database"`
	Version  string           `json:"version"`
	Expiring []ExpiringSecret `json:"expiring_secrets"`
	Warnings []string         `json:"warnings"`
}

// Node is one process that serves, on the wire.
type Node struct {
	Name      string `json:"name"`
	URL       string `json:"url"`
	Version   string `json:"version"`
	StartedAt string `json:"started_at"`
	SeenAt    string `json:"seen_at"`
}

// ExpiringSecret is a secret that ends soon, on the wire.
type ExpiringSecret struct {
	Tenant    string `json:"tenant"`
	ClientID  string `json:"client_id"`
	Name      string `json:"name"`
	ExpiresAt string `json:"expires_at"`
}

// HealthOf writes how an installation stands.
func HealthOf(h postern.Health) Health {
	out := Health{Nodes: []Node{}, Database: h.Database, Version: h.Version, Expiring: []ExpiringSecret{}, Warnings: list(h.Warnings)}
	for _, n := range h.Nodes {
		out.Nodes = append(out.Nodes, Node{n.Name, n.URL, n.Version, stamp(n.StartedAt), stamp(n.SeenAt)})
	}
	for _, s := range h.Expiring {
		out.Expiring = append(out.Expiring, ExpiringSecret{s.Tenant, s.ClientID, s.Name, stamp(s.ExpiresAt)})
	}
	return out
}

func (h Health) noun() postern.Health {
	out := postern.Health{Database: h.Database, Version: h.Version, Warnings: h.Warnings}
	for _, n := range h.Nodes {
		out.Nodes = append(out.Nodes, postern.Node{Name: n.Name, URL: n.URL, Version: n.Version, StartedAt: moment(n.StartedAt), SeenAt: moment(n.SeenAt)})
	}
	for _, s := range h.Expiring {
		out.Expiring = append(out.Expiring, postern.ExpiringSecret{Tenant: s.Tenant, ClientID: s.ClientID, Name: s.Name, ExpiresAt: moment(s.ExpiresAt)})
	}
	return out
}

func healthRoutes() []route {
	return []route{{method: http.MethodGet, path: base + "/health", do: (*call).getHealth}}
}

func (c *call) getHealth() error {
	h, err := c.office.Health(c.ctx)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, HealthOf(h))
}

// Health implements postern.Trail.
func (m *Remote) Health(ctx context.Context) (postern.Health, error) {
	w, err := one[Health](ctx, m, ask{path: at("health")})
	return w.noun(), err
}
