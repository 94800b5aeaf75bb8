//! Users, access keys and policies.

use reqwest::Method;
use serde_json::{Value, json};

use super::segment;
use crate::Result;
use crate::transport::{Client, TIMEOUT};
use crate::types::{
    AccessKey, AccountCreated, AttachedPolicy, Policy, PolicyCreate, SecretKey, User, UserCreate, UserSecrets,
};

const USERS: &str = "/v3/users";
const KEYS: &str = "/v3.0/OS-CREDENTIAL/credentials";
const BUILTIN: &str = "/v3/roles";
const CUSTOM: &str = "/v3.0/OS-ROLE/roles";

fn policies_path(user: &str) -> String {
    format!("/causeway/v1/users/{}/policies", segment(user))
}

impl Client {
    /// `POST /causeway/v1/accounts/{id}/rotate`: a new password and access key for the account's first user.
    ///
    /// # Errors
    /// [`crate::Error`]; status 403 unless the caller is the operator.
    pub async fn rotate_account(&self, id: &str) -> Result<AccountCreated> {
        self.exchange(&format!("/causeway/v1/accounts/{}/rotate", segment(id)), &json!({}), TIMEOUT).await
    }

    /// `GET /v3/users`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_users(&self) -> Result<Vec<User>> {
        self.list_whole(USERS, "users", &()).await
    }

    /// `POST /v3/users`: a user without a password.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_user(&self, user: &UserCreate) -> Result<User> {
        self.write(Method::POST, USERS, "user", user).await
    }

    /// `DELETE /v3/users/{id}`: with its access keys.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn delete_user(&self, id: &str) -> Result<()> {
        self.delete(&format!("{USERS}/{}", segment(id))).await
    }

    /// `POST /causeway/v1/users/{id}/rotate`: a new password in the place of the old one.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn rotate_user(&self, id: &str) -> Result<UserSecrets> {
        self.exchange(&format!("/causeway/v1/users/{}/rotate", segment(id)), &json!({}), TIMEOUT).await
    }

    /// `GET /v3.0/OS-CREDENTIAL/credentials`: of a user, the caller if none is given.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_access_keys(&self, user: Option<&str>) -> Result<Vec<AccessKey>> {
        self.list_whole(KEYS, "credentials", &json!({ "user_id": user })).await
    }

    /// `POST /v3.0/OS-CREDENTIAL/credentials`: for a user, the caller if none is given.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_access_key(&self, user: Option<&str>, description: Option<&str>) -> Result<SecretKey> {
        let mut body = json!({});
        for (name, value) in [("user_id", user), ("description", description)] {
            if let Some(value) = value {
                body[name] = Value::from(value);
            }
        }
        self.write(Method::POST, KEYS, "credential", &body).await
    }

    /// `DELETE /v3.0/OS-CREDENTIAL/credentials/{access}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn delete_access_key(&self, access: &str) -> Result<()> {
        self.delete(&format!("{KEYS}/{}", segment(access))).await
    }

    /// `POST /causeway/v1/access-keys/{access}/rotate`: a new key in the place of an old one, in one step.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn rotate_access_key(&self, access: &str) -> Result<SecretKey> {
        let path = format!("/causeway/v1/access-keys/{}/rotate", segment(access));
        let made: UserSecrets = self.exchange(&path, &json!({}), TIMEOUT).await?;
        made.access_key.ok_or(crate::Error::Decode { request: path, why: "it has no access key".to_owned() })
    }

    /// `GET /v3/roles` and `GET /v3.0/OS-ROLE/roles`: the built-in policies, then the account's own.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_policies(&self) -> Result<Vec<Policy>> {
        let mut policies: Vec<Policy> = self.list_whole(BUILTIN, "roles", &()).await?;
        policies.extend(self.list_whole::<Policy>(CUSTOM, "roles", &()).await?);
        Ok(policies)
    }

    /// `POST /v3.0/OS-ROLE/roles`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_policy(&self, policy: &PolicyCreate) -> Result<Policy> {
        self.write(Method::POST, CUSTOM, "role", policy).await
    }

    /// `DELETE /v3.0/OS-ROLE/roles/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; status 409 while a user has it.
    pub async fn delete_policy(&self, id: &str) -> Result<()> {
        self.delete(&format!("{CUSTOM}/{}", segment(id))).await
    }

    /// `GET /causeway/v1/users/{id}/policies`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_user_policies(&self, user: &str) -> Result<Vec<AttachedPolicy>> {
        self.list_whole(&policies_path(user), "policies", &()).await
    }

    /// `POST /causeway/v1/users/{id}/policies`: for one project, or for all of the account.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn attach_policy(&self, user: &str, policy: &str, project: Option<&str>) -> Result<()> {
        let mut body = json!({ "policy_id": policy });
        if let Some(project) = project {
            body["project_id"] = Value::from(project);
        }
        self.exchange::<Value>(&policies_path(user), &body, TIMEOUT).await.map(drop)
    }

    /// `DELETE /causeway/v1/users/{id}/policies/{policy}`: the attachment for one project, or for all of the account.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn detach_policy(&self, user: &str, policy: &str, project: Option<&str>) -> Result<()> {
        let path = format!("{}/{}", policies_path(user), segment(policy));
        let query: Vec<(String, String)> =
            project.map(|project| ("project_id".to_owned(), project.to_owned())).into_iter().collect();
        self.send(Method::DELETE, &path, &query, None, TIMEOUT).await.map(drop)
    }
}
