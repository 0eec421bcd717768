//! Sans-IO frames, handshake, request matching and the service table.
