//! mrx9pnp.dll, the network provider.
