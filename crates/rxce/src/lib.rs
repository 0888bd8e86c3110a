//! The connection engine: transport, address, connection, virtual circuit.
#![no_std]
