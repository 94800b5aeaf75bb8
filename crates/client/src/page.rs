//! Lists that come in pages.

use std::future::Future;

use serde::Serialize;
use serde_json::Value;

use crate::{Error, Result};

/// Objects asked for per page.
pub(crate) const LIMIT: usize = 500;

/// What has an id that can serve as a marker.
pub trait Keyed {
    /// The id.
    fn key(&self) -> &str;
}

/// Reads a list to its end. `page` gets the id of the last object so far (none at first) and returns what comes after
/// it; the list ends with an empty page, which is the only sign all families have in common.
///
/// # Errors
/// Those of `page`, and [`Error::Pagination`] if a page ends where the one before it did.
pub async fn collect_pages<T, F, P>(mut page: P) -> Result<Vec<T>>
where
    T: Keyed,
    F: Future<Output = Result<Vec<T>>>,
    P: FnMut(Option<String>) -> F,
{
    let mut all: Vec<T> = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let next = page(marker.clone()).await?;
        let Some(last) = next.last() else { return Ok(all) };
        let last = last.key().to_owned();
        if marker.as_deref() == Some(last.as_str()) {
            return Err(Error::Pagination(last));
        }
        marker = Some(last);
        all.extend(next);
    }
}

/// The query of a filter: its members that are set, those of an array one by one.
pub(crate) fn pairs(filter: &impl Serialize) -> Result<Vec<(String, String)>> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match serde_json::to_value(filter).map_err(|error| Error::Invalid(error.to_string()))? {
        Value::Object(members) => Ok(members
            .into_iter()
            .flat_map(|(name, value)| {
                let values = match value {
                    Value::Null => Vec::new(),
                    Value::Array(values) => values,
                    one => vec![one],
                };
                values.into_iter().map(move |value| (name.clone(), text(value)))
            })
            .collect()),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Item(String);

    impl Keyed for Item {
        fn key(&self) -> &str {
            &self.0
        }
    }

    fn items(ids: &[&str]) -> Vec<Item> {
        ids.iter().map(|id| Item((*id).to_owned())).collect()
    }

    /// VPC, section 0.4, requirement 1.
    #[tokio::test]
    async fn pages_are_read_until_an_empty_one() {
        let all = items(&["a", "b", "c", "d", "e"]);
        let mut asked = Vec::new();
        let got = collect_pages(|marker| {
            asked.push(marker.clone());
            let from = marker.map_or(0, |marker| all.iter().position(|item| item.0 == marker).unwrap() + 1);
            let page: Vec<Item> = all.iter().skip(from).take(2).cloned().collect();
            async move { Ok(page) }
        })
        .await
        .unwrap();
        assert_eq!(got, all);
        let markers: Vec<Option<&str>> = asked.iter().map(Option::as_deref).collect();
        assert_eq!(markers, [None, Some("b"), Some("d"), Some("e")]);
    }

    #[tokio::test]
    async fn an_empty_list_is_one_request() {
        let mut asked = 0;
        let got: Vec<Item> = collect_pages(|_| {
            asked += 1;
            async { Ok(Vec::new()) }
        })
        .await
        .unwrap();
        assert_eq!((got.len(), asked), (0, 1));
    }

    #[tokio::test]
    async fn a_server_that_ignores_the_marker_does_not_hold_us_for_ever() {
        let got = collect_pages(|_| async { Ok(items(&["a", "b"])) }).await;
        assert!(matches!(got, Err(Error::Pagination(marker)) if marker == "b"));
    }

    #[test]
    fn filters_leave_out_what_is_not_set_and_repeat_arrays() {
        #[derive(Serialize)]
        struct Filter {
            vpc_id: Option<&'static str>,
            name: Option<&'static str>,
            id: Vec<&'static str>,
            enabled: bool,
        }
        let filter = Filter { vpc_id: Some("v"), name: None, id: vec!["a", "b"], enabled: true };
        let mut got = pairs(&filter).unwrap();
        got.sort();
        let expected = [("enabled", "true"), ("id", "a"), ("id", "b"), ("vpc_id", "v")];
        assert_eq!(got, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
