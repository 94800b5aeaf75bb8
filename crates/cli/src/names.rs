//! Names or ids: finds what a person means, and says what they may have meant.

use suite::suggestion;

use crate::failure::{Failure, Result};

/// So many names are told when none is like the one that was asked for.
const TOLD: usize = 6;

/// What has an id and a name.
pub(crate) trait Named {
    /// The id.
    fn id(&self) -> &str;
    /// The name; may be empty.
    fn name(&self) -> &str;
    /// What people call it.
    fn label(&self) -> String {
        self.name().to_owned()
    }
    /// Whether this is a name of it.
    fn is_called(&self, name: &str) -> bool {
        !name.is_empty() && self.name() == name
    }
}

macro_rules! named {
    ($($kind:ty),* $(,)?) => {$(
        impl Named for $kind {
            fn id(&self) -> &str {
                &self.id
            }
            fn name(&self) -> &str {
                &self.name
            }
        }
    )*};
}

named!(
    client::types::Vpc,
    client::types::VpcV3,
    client::types::Subnet,
    client::types::Peering,
    client::types::Server,
    client::types::SecurityGroup,
    client::types::NetworkAcl,
    client::types::AddressGroup,
    client::types::Account,
    client::types::User,
);

impl Named for client::types::Policy {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.display_name
    }
}

/// The one of `all` with this id or name. `kind` is a noun for people, such as `VPC`.
pub(crate) fn find<'a, T: Named>(kind: &str, wanted: &str, all: &'a [T]) -> Result<&'a T> {
    if let Some(found) = all.iter().find(|item| item.id() == wanted) {
        return Ok(found);
    }
    let called: Vec<&T> = all.iter().filter(|item| item.is_called(wanted)).collect();
    match called.as_slice() {
        [] => Err(unknown(kind, wanted, all)),
        [one] => Ok(*one),
        several => {
            let ids: Vec<&str> = several.iter().map(|item| item.id()).collect();
            Err(Failure::usage(format!("{} {}s are named `{wanted}`: {}", several.len(), kind, ids.join(", ")))
                .hint("use the id of the one you mean"))
        }
    }
}

/// Nothing has this id or name.
pub(crate) fn unknown<T: Named>(kind: &str, wanted: &str, all: &[T]) -> Failure {
    let names: Vec<String> = all.iter().map(Named::label).filter(|name| !name.is_empty()).collect();
    let like = suggestion(wanted, names.iter().map(String::as_str));
    let failure = if is_id(wanted) {
        Failure::not_found(format!("no {kind} has the id {wanted}, or you cannot see it"))
    } else {
        Failure::not_found(format!("no {kind} named `{wanted}`{like}"))
    };
    if !like.is_empty() {
        return failure;
    }
    match names.as_slice() {
        [] => failure,
        [one] => failure.hint(format!("there is {one}")),
        few if few.len() <= TOLD => failure.hint(format!("there are {}", few.join(", "))),
        many => {
            let told = many.get(..TOLD).unwrap_or_default().join(", ");
            failure.hint(format!("there are {told} … ({} in all)", many.len()))
        }
    }
}

/// Whether a text looks like an id rather than a name: 32 hexadecimal digits, with or without hyphens.
pub(crate) fn is_id(text: &str) -> bool {
    text.chars().filter(char::is_ascii_hexdigit).count() == 32
        && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::exit::Exit;

    #[derive(Debug, PartialEq)]
    struct Thing(&'static str, &'static str);

    impl Named for Thing {
        fn id(&self) -> &str {
            self.0
        }
        fn name(&self) -> &str {
            self.1
        }
    }

    const ALL: &[Thing] =
        &[Thing("1", "VPC-A"), Thing("2", "VPC-B"), Thing("3", "twice"), Thing("4", "twice"), Thing("5", "")];

    #[test]
    fn ids_go_before_names() {
        let all = [Thing("x", "y"), Thing("y", "z")];
        assert_eq!(find("thing", "y", &all).unwrap().0, "y");
        assert_eq!(find("VPC", "VPC-B", ALL).unwrap().0, "2");
    }

    #[test]
    fn a_mistyped_name_gets_a_suggestion() {
        let failure = find("VPC", "VPC-a", ALL).unwrap_err();
        assert_eq!(failure.message, "no VPC named `VPC-a`; did you mean `VPC-A`?");
        assert_eq!(failure.exit, Exit::NotFound);
    }

    #[test]
    fn a_name_like_no_other_gets_a_list() {
        let failure = find("VPC", "zzz", ALL).unwrap_err();
        assert_eq!(failure.message, "no VPC named `zzz`");
        assert_eq!(failure.hint.as_deref(), Some("there are VPC-A, VPC-B, twice, twice"));
        assert_eq!(find("VPC", "zzz", &ALL[4..]).unwrap_err().hint, None);
        assert_eq!(find("VPC", "", ALL).unwrap_err().exit, Exit::NotFound, "an empty name is nobody's");
    }

    #[test]
    fn ambiguity_is_named_with_ids() {
        let failure = find("VPC", "twice", ALL).unwrap_err();
        assert_eq!(failure.message, "2 VPCs are named `twice`: 3, 4");
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[test]
    fn unknown_ids_are_told_as_ids() {
        let id = "0605767a-9980-d579-2f4f-c00ce5a7a1f1";
        assert!(is_id(id) && is_id("0605767a9980d5792f4fc00ce5a7a1f1") && !is_id("VPC-A") && !is_id("abcdef"));
        assert!(find("VPC", id, ALL).unwrap_err().message.contains("has the id"));
    }
}
