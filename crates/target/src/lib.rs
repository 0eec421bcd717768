//! Seam 2: the service tables, events, resume plans, stops and the plan machine.
