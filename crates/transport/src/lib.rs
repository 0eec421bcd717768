//! Byte streams between farsight programs, and the connection strings that name them.
