//! Target services for Linux processes by ptrace.
