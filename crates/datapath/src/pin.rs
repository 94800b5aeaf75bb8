//! Pinned maps: which ones a folder holds, and whether they can be used.

use std::{fmt, path::Path};

use aya::maps::MapData;

use crate::{
    Error, bpffs,
    map::{Capacities, MapName, Shape},
};

/// What is wrong with a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A map is not there although others are.
    Missing(MapName),
    /// The pin is no map, or one of another kind, size or name.
    Unfit(MapName),
    /// Something that is not ours.
    Foreign(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(map) => write!(f, "the map {map} is missing"),
            Self::Unfit(map) => write!(f, "the pin {map} is not the map that this version uses"),
            Self::Foreign(name) => write!(f, "{name} is not ours"),
        }
    }
}

/// What a folder of pinned maps holds.
pub(crate) enum Pins {
    /// Nothing.
    None,
    /// All maps, as this version needs them.
    Fit,
    /// Something else.
    Damaged(Vec<Damage>),
}

/// Looks at the pins in `folder` without changing anything.
pub(crate) fn inspect(folder: &Path, capacities: &Capacities) -> Result<Pins, Error> {
    let names = bpffs::names(folder)?;
    if names.is_empty() {
        return Ok(Pins::None);
    }
    let mut damages = Vec::new();
    for map in MapName::ALL {
        if !names.iter().any(|name| name == map.as_str()) {
            damages.push(Damage::Missing(map));
            continue;
        }
        let fits =
            MapData::from_pin(folder.join(map.as_str())).is_ok_and(|data| Shape::of(map, capacities).fits(map, &data));
        if !fits {
            damages.push(Damage::Unfit(map));
        }
    }
    let foreign = names.into_iter().filter(|name| MapName::ALL.iter().all(|map| map.as_str() != name));
    damages.extend(foreign.map(Damage::Foreign));
    Ok(if damages.is_empty() { Pins::Fit } else { Pins::Damaged(damages) })
}
