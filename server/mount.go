package server

// Mount adds routes after New, for handlers that need to know the address that
// Listen bound. It is to be called before Serve. It fails with Invalid for patterns
// that conflict.
func (s *Server) Mount(routes ...Route) error {
	for _, r := range routes {
		if err := s.mount(r, false); err != nil {
			return err
		}
	}
	return nil
}
