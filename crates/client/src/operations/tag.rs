//! Tags of objects.

use reqwest::Method;
use serde_json::{Value, json};

use super::segment;
use crate::Result;
use crate::transport::{Client, NO_QUERY, TIMEOUT};
use crate::types::{ResourceTag, TagKind};

impl Client {
    /// `GET …/{id}/tags`: by key.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_tags(&self, kind: TagKind, id: &str) -> Result<Vec<ResourceTag>> {
        self.show(&self.tags_path(kind, id)?, "tags").await
    }

    /// Gives an object tags, all or none; a key that it has gets the new value: `POST …/{id}/tags/action` of v2.0,
    /// `…/tags/create` of v3.
    ///
    /// # Errors
    /// [`crate::Error`]; status 400 for tags that are not well formed or too many.
    pub async fn set_tags(&self, kind: TagKind, id: &str, tags: &[ResourceTag]) -> Result<()> {
        let tags = tags.iter().map(|tag| json!({"key": tag.key, "value": tag.value})).collect();
        self.change_tags(kind, id, "create", tags).await
    }

    /// Takes tags away from an object; keys that it has not are nothing to do: `POST …/{id}/tags/action` of v2.0,
    /// `…/tags/delete` of v3.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn unset_tags(&self, kind: TagKind, id: &str, keys: &[String]) -> Result<()> {
        let tags = keys.iter().map(|key| json!({"key": key})).collect();
        self.change_tags(kind, id, "delete", tags).await
    }

    async fn change_tags(&self, kind: TagKind, id: &str, action: &str, tags: Value) -> Result<()> {
        let path = self.tags_path(kind, id)?;
        let (path, body) = match kind.path() {
            ("v3", _) => (format!("{path}/{action}"), json!({"tags": tags})),
            _ => (format!("{path}/action"), json!({"action": action, "tags": tags})),
        };
        self.send(Method::POST, &path, NO_QUERY, Some(&body), TIMEOUT).await.map(|_| ())
    }

    fn tags_path(&self, kind: TagKind, id: &str) -> Result<String> {
        let (family, word) = kind.path();
        self.in_project(family, &format!("/{word}/{}/tags", segment(id)))
    }
}
