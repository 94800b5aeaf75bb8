//! What a use case gets from the world: time, limits, and new ids.

use abi::GATEWAY_MAC;
use catalog::Catalog;
use model::{Claim, MacAddress, Timestamp, Vni};
use uuid::Uuid;

use crate::{Changes, Config, Error, Limits};

/// A source of ids that are not in use. The only source of chance that use cases have.
pub trait Ids {
    /// A UUID of version 4: its first eight bytes name the object in the forwarding tables, so they must be random.
    fn uuid(&mut self) -> Uuid;

    /// A number with 32 random bits.
    fn number(&mut self) -> u32 {
        // The first 48 bits of a version 4 UUID are random.
        let [a, b, c, d, ..] = self.uuid().into_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// Ids from the operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&mut self) -> Uuid {
        Uuid::new_v4()
    }
}

/// What a use case gets besides the catalog, the caller and the request.
pub struct Context<'a> {
    /// The time of the call.
    pub now: Timestamp,
    /// Quotas.
    pub limits: &'a Limits,
    /// Regions, edge sites, expiry.
    pub config: &'a Config,
    /// New ids.
    pub ids: &'a mut dyn Ids,
}

/// Tries to find a value that nobody has. With 24 random bits, this many fail only when nearly all are taken.
const ATTEMPTS: usize = 256;

impl Context<'_> {
    /// A VNI that nothing has, and that is none of `taken`.
    pub(crate) fn vni(&mut self, catalog: &Catalog, taken: &[Vni]) -> Result<Vni, Error> {
        for _ in 0..ATTEMPTS {
            let candidate = Vni::new(self.ids.number() & Vni::MAX);
            if let Some(vni) = candidate
                && !taken.contains(&vni)
                && catalog.vni_owner(vni).is_none()
                && catalog.claim(&Claim::vni(vni)).is_none()
            {
                return Ok(vni);
            }
        }
        Err(Error::Exhausted { what: "network identifiers" })
    }

    /// A hardware address `fa:16:3e:xx:xx:xx` that no port has or gets by these changes; never the gateway's (rule L2-1).
    pub(crate) fn mac(&mut self, catalog: &Catalog, changes: &Changes) -> Result<MacAddress, Error> {
        for _ in 0..ATTEMPTS {
            let [_, a, b, c] = self.ids.number().to_be_bytes();
            let mac = MacAddress([0xfa, 0x16, 0x3e, a, b, c]);
            let claim = Claim::mac(mac);
            let taken = catalog.mac_in_use(mac) || catalog.claim(&claim).is_some() || changes.claims(&claim);
            if mac.0 != GATEWAY_MAC && !taken {
                return Ok(mac);
            }
        }
        Err(Error::Exhausted { what: "hardware addresses" })
    }

    /// A text of random characters from an alphabet of at most 256 bytes.
    pub(crate) fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        // Numbers that would make the first characters likelier are drawn again.
        let fair = 256 - 256 % alphabet.len().max(1);
        let mut text = String::with_capacity(length);
        while text.len() < length {
            for byte in self.ids.number().to_be_bytes() {
                if usize::from(byte) < fair && text.len() < length {
                    text.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
                }
            }
        }
        text
    }
}
