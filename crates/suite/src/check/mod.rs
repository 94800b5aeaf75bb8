//! Checks what packets do against what a suite expects of them.
//!
//! Each scenario is applied to a fresh server ([`Stage`] starts it), then its `expect` items are asked, its `control`
//! operations tried on the scenario as given, and its `steps` taken one after the other. Every item becomes an
//! [`Item`] with what was expected and what there was. With [`CheckOptions::measure`] an item passes only if the
//! tracer's verdict *and* the packets that were sent say what is expected.

mod action;
mod ask;
mod compare;
mod item;
mod live;
mod question;
mod run;
mod stage;
mod unsupported;

pub use item::{Item, ItemKind, Measurement, Outcome, Report, Subject};
pub use run::{CheckError, CheckOptions, Progress, check};
pub use stage::{BoxFuture, Place, Stage, Staged};
pub use unsupported::unsupported;
