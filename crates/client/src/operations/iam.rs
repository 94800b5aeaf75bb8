//! IAM: who one is and which projects there are.

use reqwest::Method;
use serde_json::json;

use crate::transport::{Client, NO_QUERY, TIMEOUT, member};
use crate::types::{Domain, PasswordLogin, Project, Token, TokenScope};
use crate::{Error, Result};

impl Client {
    /// `GET /v3/projects`: the projects of the caller's account, of one name or all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_projects(&self, name: Option<&str>) -> Result<Vec<Project>> {
        self.list_whole("/v3/projects", "projects", &json!({ "name": name })).await
    }

    /// The project of a region.
    ///
    /// # Errors
    /// [`Error::UnknownProject`] if there is none; [`Error`].
    pub async fn project_named(&self, name: &str) -> Result<Project> {
        if let Some(project) = self.list_projects(Some(name)).await?.into_iter().find(|project| project.name == name) {
            return Ok(project);
        }
        let known: Vec<String> = self.list_projects(None).await?.into_iter().map(|project| project.name).collect();
        Err(Error::UnknownProject { name: name.to_owned(), known: known.join(", ") })
    }

    /// `GET /v3/auth/domains`: the caller's account, as a list.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_domains(&self) -> Result<Vec<Domain>> {
        self.list_whole("/v3/auth/domains", "domains", &()).await
    }

    /// `POST /v3/auth/tokens`: logs in with a password, without an access key.
    ///
    /// # Errors
    /// [`Error`]; 401 for a wrong name or password.
    pub async fn create_token(&self, login: &PasswordLogin) -> Result<Token> {
        const PATH: &str = "/v3/auth/tokens";
        let domain = json!({ "name": login.domain });
        let scope = match &login.scope {
            TokenScope::Project(name) => json!({ "project": { "name": name, "domain": domain } }),
            TokenScope::Domain => json!({ "domain": domain }),
        };
        let user = json!({ "name": login.user, "password": login.password, "domain": domain });
        let body = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": scope,
        } });
        let unsigned = self.with_key("", "");
        let answer = unsigned.send(Method::POST, PATH, NO_QUERY, Some(&body), TIMEOUT).await?;
        let value = answer.headers.get("x-subject-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let value = value.ok_or_else(|| Error::Decode {
            request: format!("POST {PATH}"),
            why: "it has no X-Subject-Token header".to_owned(),
        })?;
        Ok(Token { value, ..member(answer.value, "token", PATH)? })
    }
}
