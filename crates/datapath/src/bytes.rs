//! Keys and values as the bytes that the kernel copies.

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A key or value of `abi` as the loader wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Raw<T>(pub T);

// SAFETY: `aya::Pod` asks that the value may be copied from and to the kernel as bytes: `IntoBytes` proves that there is
// no padding, `FromBytes` that any bytes are a value, and the newtype is transparent.
#[allow(unsafe_code, reason = "aya's trait cannot be implemented for types of another crate in any other way")]
unsafe impl<T: FromBytes + IntoBytes + Immutable + Copy + 'static> aya::Pod for Raw<T> {}
