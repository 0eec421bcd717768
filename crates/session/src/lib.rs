//! Seam 1: the client handle, its requests and notifications, and the records front ends receive.
