//! Tags of every kind of object, and objects by their tags (api-vpc §13): one set of operations here, spelled out for
//! each type of path in [`paths`].

mod paths;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::{Caller, Context, Error, Outcome, TagCondition, TagFilter, Tagged};
use model::{TagCharacters, TagError};
use serde_json::Value;

use crate::auth::{Identity, also};
use crate::error::Problem;
use crate::query::Query;
use crate::state::State;
use crate::wire::{
    MatchFields, ResourceQuery, Tag, TagActionRequest, TagFields, TagQueryFields, TagRequest, TagValues,
    TaggedResource, TaggedResources, keys_to_remove, tags_to_set,
};

pub(super) use paths::{routes, unknown};

/// Most objects and keys on a page, and how many there are when the client names no limit (limits §1.2).
const PAGE: usize = 1000;
/// Most keys and values of a key that can be looked for at once (limits §1.2).
const CONDITIONS: usize = 10;
/// Longest key and value that can be looked for, in characters (limits §3).
const WANTED_KEY: usize = 127;
const WANTED_VALUE: usize = 255;

/// The filter of a v1 list: `tags`, `tags-any`, `not-tags`, `not-tags-any`, each `key*value` or `key` with commas
/// between them. Values of one key are alternatives.
pub(super) fn tag_filter(query: &Query) -> TagFilter {
    let conditions = |name: &str| {
        let mut conditions: Vec<TagCondition> = Vec::new();
        for text in query.all(name).flat_map(|texts| texts.split(',')).filter(|text| !text.is_empty()) {
            let (key, value) = text.split_once('*').map_or((text, None), |(key, value)| (key, Some(value)));
            let values = value.map(str::to_owned).into_iter();
            match conditions.iter_mut().find(|condition| condition.key == key) {
                Some(condition) => condition.values.extend(values),
                None => conditions.push(TagCondition { key: key.to_owned(), values: values.collect() }),
            }
        }
        conditions
    };
    TagFilter {
        all: conditions("tags"),
        any: conditions("tags-any"),
        not_all: conditions("not-tags"),
        not_any: conditions("not-tags-any"),
        names: Vec::new(),
    }
}

/// What every operation needs of its request.
struct Call {
    state: State,
    identity: Identity,
}

impl Call {
    /// Commits a change of tags. Packets do not know them, so nothing waits for the data plane.
    async fn commit(
        self,
        mut use_case: impl FnMut(&catalog::Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<()>, Error> + Send,
    ) -> Result<Response, Problem> {
        let caller = self.identity.project_caller()?;
        self.state.record(|catalog, ctx| use_case(catalog, &caller, ctx)).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn set<T: Tagged>(
        self,
        id: &str,
        tags: Option<Vec<Option<TagFields>>>,
        characters: TagCharacters,
    ) -> Result<Response, Problem> {
        let id = object::<T>(id)?;
        let tags = tags_to_set(tags, characters)?;
        self.commit(move |catalog, caller, ctx| control::add_tags::<T>(catalog, caller, ctx, id, tags.clone())).await
    }

    async fn set_one<T: Tagged>(
        self,
        id: &str,
        request: TagRequest,
        characters: TagCharacters,
    ) -> Result<Response, Problem> {
        self.set::<T>(id, Some(vec![request.tag]), characters).await
    }

    async fn unset<T: Tagged>(self, id: &str, tags: Option<Vec<Option<TagFields>>>) -> Result<Response, Problem> {
        let id = object::<T>(id)?;
        let keys = keys_to_remove(tags)?;
        self.commit(move |catalog, caller, _| control::remove_tags::<T>(catalog, caller, id, &keys)).await
    }

    async fn unset_one<T: Tagged>(self, id: &str, key: String) -> Result<Response, Problem> {
        let id = object::<T>(id)?;
        self.commit(move |catalog, caller, _| control::remove_tag::<T>(catalog, caller, id, &key)).await
    }

    /// v2.0: sets or removes. To remove, the caller has to be allowed what is at `removal`, the path of one tag.
    async fn act<T: Tagged>(self, id: &str, request: TagActionRequest, removal: &str) -> Result<Response, Problem> {
        match request.action.as_deref() {
            Some("create") => self.set::<T>(id, request.tags, TagCharacters::Letters).await,
            Some("delete") => {
                also(&self.state, &self.identity, "DELETE", removal, Some(id))?;
                self.unset::<T>(id, request.tags).await
            }
            _ => Err(Problem::tag("action is invalid.")),
        }
    }

    fn show<T: Tagged>(&self, id: &str) -> Result<Vec<Tag>, Problem> {
        let tags = control::tags::<T>(&self.state.catalog(), &self.identity.project_caller()?, object::<T>(id)?)?;
        Ok(Tag::list(&tags))
    }

    fn in_use<T: Tagged>(&self) -> Result<Vec<TagValues>, Problem> {
        let tags = control::tags_in_use::<T>(&self.state.catalog(), &self.identity.project_caller()?);
        Ok(tags.into_iter().map(|(key, values)| TagValues { key, values: values.into_iter().collect() }).collect())
    }

    fn find<T: Tagged>(&self, query: ResourceQuery) -> Result<Vec<TaggedResource>, Problem> {
        let filter = TagFilter { all: conditions(query.tags)?, names: names(query.matches)?, ..TagFilter::default() };
        let found = control::objects_by_tags::<T>(&self.state.catalog(), &self.identity.project_caller()?, &filter);
        let resource = |object: &std::sync::Arc<T>| TaggedResource {
            resource_id: object.id().to_string(),
            resource_detail: (),
            resource_name: object.name().to_owned(),
            tags: Tag::list(object.tags()),
        };
        Ok(found.iter().map(resource).collect())
    }

    /// v2.0: a page of what is found, or how many there are.
    fn look<T: Tagged>(&self, mut query: ResourceQuery) -> Result<TaggedResources, Problem> {
        let (limit, offset) = (query.limit.take(), query.offset.take());
        match query.action.as_deref() {
            Some("count") => Ok(TaggedResources { resources: None, total_count: self.find::<T>(query)?.len() }),
            Some("filter") => {
                let page = Page::new(whole(limit.as_ref(), "Limit")?, whole(offset.as_ref(), "Offset")?)?;
                let found = self.find::<T>(query)?;
                let total_count = found.len();
                Ok(TaggedResources { resources: Some(page.cut(found)), total_count })
            }
            _ => Err(Problem::tag("action is invalid.")),
        }
    }
}

/// Part of a list by numbers.
struct Page {
    limit: usize,
    offset: usize,
}

impl Page {
    fn new(limit: Option<usize>, offset: Option<usize>) -> Result<Self, Problem> {
        match limit {
            Some(limit) if !(1..=PAGE).contains(&limit) => Err(invalid_number("Limit")),
            limit => Ok(Self { limit: limit.unwrap_or(PAGE), offset: offset.unwrap_or(0) }),
        }
    }

    fn of(query: &Query) -> Result<Self, Problem> {
        let number = |name: &str, shown: &'static str| {
            query.one(name).map(|text| text.parse().map_err(|_| invalid_number(shown))).transpose()
        };
        Self::new(number("limit", "Limit")?, number("offset", "Offset")?)
    }

    fn cut<X>(&self, items: Vec<X>) -> Vec<X> {
        items.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

fn invalid_number(name: &str) -> Problem {
    Problem::tag(format!("{name} in resourceInstancesReq is invalid."))
}

/// A number that clients write as a text as well (clients §6, trap 28).
fn whole(value: Option<&Value>, name: &str) -> Result<Option<usize>, Problem> {
    let number = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| invalid_number(name))
}

/// An id in the path of an operation of tags.
fn object<T: Tagged>(text: &str) -> Result<T::Id, Problem> {
    text.parse().map_err(|_| Problem::tag("resource id is invalid."))
}

/// The tags to look for (api-errors §3.7).
fn conditions(tags: Option<Vec<Option<TagQueryFields>>>) -> Result<Vec<TagCondition>, Problem> {
    let tags = tags.unwrap_or_default();
    let too_many = || Problem::from(Error::InvalidTags(TagError::TooMany { limit: CONDITIONS }));
    if tags.len() > CONDITIONS {
        return Err(too_many());
    }
    let mut keys = BTreeSet::new();
    let mut conditions = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = tag.ok_or_else(|| Problem::tag("Tag can not be null."))?;
        let key = tag.key.filter(|key| !key.is_empty()).ok_or(Error::InvalidTags(TagError::NoKey))?;
        let values: Option<Vec<String>> = tag.values.unwrap_or_default().into_iter().collect();
        let values = values.ok_or_else(|| Problem::tag("Tag value can not be null."))?;
        if values.len() > CONDITIONS {
            return Err(too_many());
        }
        let long = |text: &str, most: usize| text.chars().count() > most;
        if long(&key, WANTED_KEY) || values.iter().any(|value| long(value, WANTED_VALUE)) {
            return Err(Problem::tag(format!(
                "Tag length is invalid. The key length must be in range [1,{WANTED_KEY}] and value in range \
                 [0,{WANTED_VALUE}]"
            )));
        }
        if values.iter().collect::<BTreeSet<_>>().len() < values.len() {
            return Err(Problem::tag("Value of tags in resourceInstancesReq is duplicate."));
        }
        if !keys.insert(key.clone()) {
            return Err(Error::InvalidTags(TagError::Repeated).into());
        }
        conditions.push(TagCondition { key, values });
    }
    Ok(conditions)
}

/// The names to look for (api-errors §3.7).
fn names(matches: Option<Vec<Option<MatchFields>>>) -> Result<Vec<String>, Problem> {
    let Some(matches) = matches else { return Ok(Vec::new()) };
    if matches.is_empty() {
        return Err(Problem::tag("The number of Matches in resourceInstancesReq is 0."));
    }
    let matches: Option<Vec<MatchFields>> = matches.into_iter().collect();
    let name = |field: MatchFields| {
        if field.key.as_deref() != Some("resource_name") {
            return Err(Problem::tag("The key of matches is invalid."));
        }
        let value = field.value.ok_or_else(|| Problem::tag("The value of Matches in resourceInstancesReq is null."))?;
        if value.chars().count() > WANTED_VALUE {
            return Err(Problem::tag("The value's length of Matches in resourceInstancesReq is more than 255."));
        }
        Ok(value)
    };
    matches.ok_or_else(|| Problem::tag("The list of matches contains null."))?.into_iter().map(name).collect()
}
