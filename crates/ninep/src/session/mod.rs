//! Sans-IO client session.
