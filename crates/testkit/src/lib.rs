//! Fake target, conformance suites, transcript runner and counting proxy for tests.
