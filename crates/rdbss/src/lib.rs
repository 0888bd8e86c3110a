//! The RDBSS object tree as a pure data structure: SRV_CALL to FOBX, names, finalisation.
#![no_std]
