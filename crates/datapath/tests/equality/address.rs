//! Addresses as they stand in tables.

pub use abi::Address;

pub const fn v4(address: [u8; 4]) -> Address {
    let [a, b, c, d] = address;
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

pub const fn v6(words: [u16; 8]) -> Address {
    let [a, b, c, d, e, f, g, h] = words;
    std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h).octets()
}

/// The address with all bits behind the first `len` cleared.
pub fn masked(address: Address, len: u8) -> Address {
    let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
    (u128::from_be_bytes(address) & mask).to_be_bytes()
}

/// Whether the range of an address and a length has another address in it.
pub fn holds(range: Address, len: u8, address: Address) -> bool {
    masked(address, len) == range
}
