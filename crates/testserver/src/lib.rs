//! An embedded 9P2000.L server for tests and the demo.
