//! Query strings: filters (api-vpc §0.5) and pages (§0.4).

use std::fmt::Display;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::error::Problem;

/// Most items on a v2.0 or v3 page, and how many there are when the client names no limit.
pub const PAGE_LIMIT: usize = 2000;

/// A request's query parameters in their order, decoded.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|error| Problem::invalid(format!("the query string cannot be read: {error}")))
    }
}

impl Query {
    /// The first value of a parameter that is not empty.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Whether an item passes a filter of one value: it does when the filter is absent. The value is written out only
    /// when there is a filter.
    #[must_use]
    pub fn is(&self, name: &str, value: impl Display) -> bool {
        self.one(name).is_none_or(|wanted| value.to_string() == wanted)
    }

    /// Whether an item with several values passes a filter of one value.
    #[must_use]
    pub fn is_one_of<const N: usize>(&self, name: &str, values: [impl Display; N]) -> bool {
        self.one(name).is_none_or(|wanted| values.iter().any(|value| value.to_string() == wanted))
    }

    /// Whether an item passes a filter of several values, repeated or separated by commas: any of them will do.
    #[must_use]
    pub fn any(&self, name: &str, value: impl Display) -> bool {
        let mut wanted = self.all(name).peekable();
        if wanted.peek().is_none() {
            return true;
        }
        let value = value.to_string();
        wanted.any(|w| w == value || w.split(',').any(|part| part == value))
    }

    /// Whether one of a filter's values, repeated or separated by commas, holds; all of them when there is none.
    pub fn any_holds(&self, name: &str, holds: impl Fn(&str) -> bool) -> bool {
        let mut wanted = self.all(name).flat_map(|value| value.split(',')).peekable();
        wanted.peek().is_none() || wanted.any(holds)
    }

    /// Whether the values of the form `key=value` hold: one for each key that there is.
    pub fn each_key_holds(&self, name: &str, holds: impl Fn(&str) -> bool) -> bool {
        let key = |value: &str| value.split_once('=').map(|(key, _)| key.to_owned());
        self.all(name).all(|value| self.all(name).any(|other| key(other) == key(value) && holds(other)))
    }

    /// Whether an item passes the filter on enterprise projects.
    #[must_use]
    pub fn enterprise(&self, value: &str) -> bool {
        self.one("enterprise_project_id").is_none_or(|wanted| wanted == "all_granted_eps" || wanted == value)
    }

    /// Whether an item passes the filter on enterprise projects, several of which may be named.
    #[must_use]
    pub fn any_enterprise(&self, value: &str) -> bool {
        self.all("enterprise_project_id").any(|wanted| wanted == "all_granted_eps")
            || self.any("enterprise_project_id", value)
    }

    /// Whether an item passes a filter that is `true` or `false`, in either case of letters.
    #[must_use]
    pub fn flag(&self, name: &str, value: bool) -> bool {
        self.one(name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(if value { "true" } else { "false" }))
    }

    /// How many items are asked for.
    ///
    /// # Errors
    /// 400 when it is no number.
    pub(crate) fn limit(&self) -> Result<Option<usize>, Problem> {
        self.one("limit")
            .map(|text| {
                text.parse().map_err(|_| Problem::invalid(format!("limit must be a whole number from 0, not `{text}`")))
            })
            .transpose()
    }

    /// The marker; it must have the form of an id.
    fn marker(&self) -> Result<Option<&str>, Problem> {
        match self.one("marker") {
            Some(text) if text.len() > 64 || !text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') => {
                Err(Problem::invalid("marker must be the id of the last item of the page before"))
            }
            marker => Ok(marker),
        }
    }

    /// The marker of a v2.0 list, written as the ids are that the list is ordered by.
    fn uuid_marker(&self) -> Result<Option<String>, Problem> {
        let wrong = || Problem::invalid("marker must be the id of the last item of the page before");
        self.one("marker")
            .map(|text| {
                let uuid = uuid::Uuid::try_parse(text).ok().filter(|_| matches!(text.len(), 32 | 36));
                uuid.map(|uuid| uuid.hyphenated().to_string()).ok_or_else(wrong)
            })
            .transpose()
    }

    /// The query string with another marker and direction: for links.
    fn with_marker(&self, marker: &str, reverse: bool) -> String {
        let kept = self.0.iter().filter(|(key, _)| key != "marker" && key != "page_reverse");
        let mut text: Vec<String> =
            kept.map(|(key, value)| format!("{}={}", signing::encode(key), signing::encode(value))).collect();
        text.push(format!("marker={}", signing::encode(marker)));
        if reverse {
            text.push("page_reverse=True".to_owned());
        }
        text.join("&")
    }
}

/// One page of a list whose items are in ascending order of their ids.
#[derive(Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether there are items behind the last one.
    pub more: bool,
    /// Whether there are items before the first one.
    pub before: bool,
}

/// Cuts a page out of items in ascending order of `id`.
fn cut<T>(
    items: Vec<T>,
    id: impl Fn(&T) -> String,
    limit: Option<usize>,
    marker: Option<&str>,
    reverse: bool,
) -> Page<T> {
    let total = items.len();
    let limit = limit.unwrap_or(total);
    let (start, end) = match (marker, reverse) {
        (Some(marker), false) => {
            let start = items.iter().position(|item| id(item).as_str() > marker).unwrap_or(total);
            (start, start.saturating_add(limit).min(total))
        }
        (Some(marker), true) => {
            let end = items.iter().position(|item| id(item).as_str() >= marker).unwrap_or(total);
            (end.saturating_sub(limit), end)
        }
        (None, false) => (0, limit.min(total)),
        (None, true) => (total.saturating_sub(limit), total),
    };
    let items = items.into_iter().skip(start).take(end - start).collect();
    Page { items, more: end < total, before: start > 0 }
}

/// A v1 page: no default limit, no information about pages in the answer.
///
/// # Errors
/// A limit or a marker that is none.
pub fn v1_page<T>(query: &Query, items: Vec<T>, id: impl Fn(&T) -> String) -> Result<Vec<T>, Problem> {
    Ok(cut(items, id, query.limit()?, query.marker()?, false).items)
}

/// A link of a v2.0 list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Link {
    /// `next` or `previous`.
    pub rel: &'static str,
    /// The page's address.
    pub href: String,
    /// The page's marker.
    pub marker: String,
}

/// A v2.0 page: at most 2000 items; links only when the client named a limit and there are other pages.
///
/// # Errors
/// A limit or a marker that is none.
pub fn v2_page<T>(
    query: &Query,
    base: &str,
    items: Vec<T>,
    id: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Vec<Link>), Problem> {
    let limit = query.limit()?;
    let reverse = query.one("page_reverse").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    // A limit of 0 is Neutron's word for no limit.
    let size = limit.filter(|limit| *limit > 0).unwrap_or(PAGE_LIMIT).min(PAGE_LIMIT);
    let marker = query.uuid_marker()?;
    let page = cut(items, &id, Some(size), marker.as_deref(), reverse);
    let mut links = Vec::new();
    if limit.is_some() {
        let link = |rel, marker: String, reverse| Link {
            rel,
            href: format!("{base}?{}", query.with_marker(&marker, reverse)),
            marker,
        };
        if let Some(last) = page.items.last().filter(|_| page.more) {
            links.push(link("next", id(last), false));
        }
        if let Some(first) = page.items.first().filter(|_| page.before) {
            links.push(link("previous", id(first), true));
        }
    }
    Ok((page.items, links))
}

/// What a v3 list says of its page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PageInfo {
    /// Id of the first item on the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_marker: Option<String>,
    /// Items on the page.
    pub current_count: usize,
    /// Id of the last item; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

/// A v3 page: at most 2000 items.
///
/// # Errors
/// A limit or a marker that is none.
pub fn v3_page<T>(query: &Query, items: Vec<T>, id: impl Fn(&T) -> String) -> Result<(Vec<T>, PageInfo), Problem> {
    let limit = query.limit()?;
    if let Some(limit) = limit.filter(|limit| *limit > PAGE_LIMIT) {
        return Err(Problem::invalid(format!("limit must be 0 to {PAGE_LIMIT}, not {limit}")));
    }
    let page = cut(items, &id, Some(limit.unwrap_or(PAGE_LIMIT)), query.marker()?, false);
    let info = PageInfo {
        previous_marker: page.items.first().map(&id),
        current_count: page.items.len(),
        next_marker: page.items.last().filter(|_| page.more).map(&id),
    };
    Ok((page.items, info))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    fn ids() -> Vec<&'static str> {
        vec!["a1", "a2", "a3", "a4", "a5"]
    }

    fn v1(pairs: &[(&str, &str)]) -> Vec<&'static str> {
        v1_page(&query(pairs), ids(), |id| (*id).to_owned()).unwrap()
    }

    /// api-vpc §0.4, clients §6 traps 6 and 7.
    #[test]
    fn v1_pages_end_with_an_empty_one_and_have_no_default_limit() {
        assert_eq!(v1(&[]), ids());
        assert_eq!(v1(&[("limit", "2")]), ["a1", "a2"]);
        assert_eq!(v1(&[("limit", "2"), ("marker", "a2")]), ["a3", "a4"]);
        assert_eq!(v1(&[("marker", "a4")]), ["a5"]);
        assert_eq!(v1(&[("marker", "a5")]), Vec::<&str>::new());
        assert!(v1_page(&query(&[("limit", "many")]), ids(), |id| (*id).to_owned()).is_err());
    }

    /// api-vpc §0.4: a v2.0 marker is a whole id.
    #[test]
    fn v2_links_appear_only_with_a_limit_and_another_page() {
        let uuid = |n: u32| format!("{n:08x}-0000-4000-8000-000000000000");
        let all: Vec<String> = (1..=5).map(uuid).collect();
        let page = |pairs: &[(&str, &str)]| {
            let (items, links) = v2_page(&query(pairs), "http://h/x", all.clone(), Clone::clone).unwrap();
            (items, links.into_iter().map(|link| (link.rel, link.href)).collect::<Vec<_>>())
        };
        assert_eq!(page(&[]), (all.clone(), vec![]));
        let (items, links) = page(&[("limit", "2"), ("vpc_id", "b c")]);
        assert_eq!(items, all[..2]);
        assert_eq!(links, [("next", format!("http://h/x?limit=2&vpc_id=b%20c&marker={}", all[1]))]);
        let (items, links) = page(&[("limit", "2"), ("marker", &all[4]), ("page_reverse", "True")]);
        assert_eq!(items, all[2..4]);
        assert_eq!(links.len(), 2);
        assert_eq!(page(&[("marker", &all[3].replace('-', ""))]).0, all[4..]);
        for wrong in ["no id", "a1", "-", &all[0][..35]] {
            assert!(v2_page(&query(&[("marker", wrong)]), "", all.clone(), Clone::clone).is_err(), "{wrong}");
        }
    }

    /// api-vpc §0.4, clients §6 trap 27.
    #[test]
    fn v3_pages_say_what_follows_and_the_last_does_not() {
        let page = |pairs: &[(&str, &str)]| v3_page(&query(pairs), ids(), |id| (*id).to_owned()).unwrap().1;
        assert_eq!(page(&[("limit", "2")]).next_marker.as_deref(), Some("a2"));
        let last = page(&[("limit", "2"), ("marker", "a3")]);
        assert_eq!((last.previous_marker.as_deref(), last.current_count, last.next_marker), (Some("a4"), 2, None));
        assert_eq!(page(&[("marker", "a5")]).current_count, 0);
    }

    /// api-vpc §0.5.
    #[test]
    fn several_values_may_be_repeated_or_separated_by_commas() {
        let filter = query(&[("id", "a"), ("id", "b,c"), ("empty", "")]);
        assert!(filter.any("id", "a") && filter.any("id", "c") && !filter.any("id", "d"));
        assert!(filter.any("name", "x") && filter.is("empty", "x"));
        assert!(filter.any_holds("id", |id| id == "c") && !filter.any_holds("id", |id| id == "d"));
        assert!(filter.any_holds("name", |_| false));
    }

    #[test]
    fn one_value_of_each_key_must_hold() {
        let holds = |values: &[&str]| {
            let filter = query(&values.iter().map(|value| ("f", *value)).collect::<Vec<_>>());
            filter.each_key_holds("f", |value| ["a=1", "b=2"].contains(&value))
        };
        assert!(holds(&[]) && holds(&["a=1"]) && holds(&["a=0", "a=1", "b=2"]));
        assert!(!holds(&["a=0"]) && !holds(&["a=1", "b=0"]) && !holds(&["a=1", "c"]) && !holds(&["c", "a=1"]));
    }
}
