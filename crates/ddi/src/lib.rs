//! The documented RxCe and Rx routines by name, for C callers.
