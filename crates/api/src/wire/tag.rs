//! Tags (api-vpc §13).

use model::{TagCharacters, TagError, Tags};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{body, body_v3};
use crate::error::Problem;

/// A tag of an object.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Tag {
    key: String,
    value: String,
}

impl Tag {
    /// The tags of an object, by key.
    pub(crate) fn list(tags: &Tags) -> Vec<Self> {
        tags.iter().map(|(key, value)| Self { key: key.to_owned(), value: value.to_owned() }).collect()
    }
}

/// A tag in a request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct TagFields {
    pub(crate) key: Option<String>,
    /// Absent means empty: clients leave an empty value out (clients §6, trap 14).
    #[serde(default = "empty")]
    pub(crate) value: Option<String>,
}

#[allow(clippy::unnecessary_wraps, reason = "the field tells null from absent")]
fn empty() -> Option<String> {
    Some(String::new())
}

impl TagFields {
    fn read(self) -> Result<(String, String), Problem> {
        let key = self.key.ok_or(control::Error::InvalidTags(TagError::NoKey))?;
        let value = self.value.ok_or_else(|| Problem::tag("Tag value can not be null."))?;
        Ok((key, value))
    }
}

/// A tag of an object that is made: an object with key and value, as v3 writes it, or a text `key*value`, as v1 does.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum NewTag {
    /// `key*value`.
    Text(String),
    /// Key and value.
    Object(TagFields),
}

impl NewTag {
    fn read(self) -> Result<(String, String), Problem> {
        match self {
            Self::Object(fields) => fields.read(),
            Self::Text(text) => {
                let (key, value) = text.split_once('*').unwrap_or((&text, ""));
                Ok((key.to_owned(), value.to_owned()))
            }
        }
    }
}

/// The tags of an object that is made.
pub(crate) fn new_tags(tags: Option<Vec<NewTag>>, characters: TagCharacters) -> Result<Tags, Problem> {
    let pairs = tags.unwrap_or_default().into_iter().map(NewTag::read).collect::<Result<Vec<_>, _>>()?;
    Ok(Tags::new(pairs, characters).map_err(control::Error::from)?)
}

/// Refuses tags in an update: they have operations of their own, and dropped silently they would pass for set.
pub(crate) fn no_tags(tags: Option<&Vec<NewTag>>, name: &str) -> Result<(), Problem> {
    if tags.is_some_and(|tags| !tags.is_empty()) {
        let text = format!("{name} cannot be changed here; use the operations of tags");
        return Err(control::Error::NotSupported(text).into());
    }
    Ok(())
}

/// The tags of a request that sets some.
pub(crate) fn tags_to_set(tags: Option<Vec<Option<TagFields>>>, characters: TagCharacters) -> Result<Tags, Problem> {
    let pairs = listed(tags)?.into_iter().map(TagFields::read).collect::<Result<Vec<_>, _>>()?;
    Ok(Tags::new(pairs, characters).map_err(control::Error::from)?)
}

/// The keys of a request that removes tags: values do not matter, nor do the characters of keys.
pub(crate) fn keys_to_remove(tags: Option<Vec<Option<TagFields>>>) -> Result<Vec<String>, Problem> {
    let key = |tag: TagFields| tag.key.filter(|key| !key.is_empty());
    listed(tags)?
        .into_iter()
        .map(|tag| key(tag).ok_or_else(|| control::Error::InvalidTags(TagError::NoKey).into()))
        .collect()
}

/// The items of a list that must have some, none of them null.
fn listed(tags: Option<Vec<Option<TagFields>>>) -> Result<Vec<TagFields>, Problem> {
    let tags: Option<Vec<TagFields>> = tags.filter(|tags| !tags.is_empty()).and_then(|tags| tags.into_iter().collect());
    tags.ok_or_else(|| Problem::tag("Tag can not be null."))
}

/// One tag to set.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TagRequest {
    pub(crate) tag: Option<TagFields>,
}

/// Several tags to set or remove, v2.0.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TagActionRequest {
    /// `create` or `delete`.
    pub(crate) action: Option<String>,
    pub(crate) tags: Option<Vec<Option<TagFields>>>,
}

/// Several tags to set or remove, v3.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TagsRequest {
    pub(crate) tags: Option<Vec<Option<TagFields>>>,
}

/// A key and the values that it has somewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagValues {
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// A key to look for, with the values that it may have; none means any. A value that begins with `*` stands for all
/// that contain the rest.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct TagQueryFields {
    pub(crate) key: Option<String>,
    pub(crate) values: Option<Vec<Option<String>>>,
}

/// A field to look for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct MatchFields {
    /// `resource_name`.
    pub(crate) key: Option<String>,
    /// A part of the name; empty for the empty name.
    pub(crate) value: Option<String>,
}

/// Objects to look for.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ResourceQuery {
    /// v2.0 alone: `filter` or `count`.
    pub(crate) action: Option<String>,
    /// v2.0 alone: 1 to 1000, 1000 when absent; a number or a text of digits.
    #[schema(value_type = Option<i64>)]
    pub(crate) limit: Option<serde_json::Value>,
    /// v2.0 alone: how many to leave out; a number or a text of digits.
    #[schema(value_type = Option<i64>)]
    pub(crate) offset: Option<serde_json::Value>,
    pub(crate) tags: Option<Vec<Option<TagQueryFields>>>,
    pub(crate) matches: Option<Vec<Option<MatchFields>>>,
}

/// An object that was found by its tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaggedResource {
    pub(crate) resource_id: String,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    pub(crate) resource_detail: (),
    pub(crate) resource_name: String,
    pub(crate) tags: Vec<Tag>,
}

/// What was found, v2.0: one page of it, and how many there are in all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaggedResources {
    /// Absent when only the number was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resources: Option<Vec<TaggedResource>>,
    pub(crate) total_count: usize,
}

/// What was found, v3: one page of it, and how many there are in all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaggedResourcesV3 {
    pub(crate) request_id: String,
    pub(crate) resources: Vec<TaggedResource>,
    pub(crate) total_count: usize,
}

/// Every key with its values, v3.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagValuesBodyV3 {
    pub(crate) request_id: String,
    pub(crate) tags: Vec<TagValues>,
    pub(crate) total_count: usize,
}

body! {
    /// The tags of an object, v2.0.
    TagsBody { "tags" tags: Vec<Tag> }
    /// Every key with its values, v2.0.
    TagValuesBody { "tags" tags: Vec<TagValues> }
}
body_v3! {
    /// The tags of an object, v3.
    TagsBodyV3 { tags: Vec<Tag> }
    /// How many objects were found.
    TagCountBodyV3 { total_count: usize }
}
