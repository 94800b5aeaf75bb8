//! Causeway's own operations: the installation, accounts, servers.

use reqwest::Method;
use serde_json::json;

use super::segment;
use crate::Result;
use crate::transport::{Client, NO_QUERY, TIMEOUT, decode, json as to_json, member};
use crate::types::{Account, AccountCreate, AccountCreated, Server, ServerCreate, ServerFilter, ServerUpdate, Status};

const STATUS: &str = "/causeway/v1/status";
const ACCOUNTS: &str = "/causeway/v1/accounts";
const SERVERS: &str = "/causeway/v1/servers";

fn server_path(id: &str) -> String {
    format!("{SERVERS}/{}", segment(id))
}

impl Client {
    /// `GET /causeway/v1/status`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn status(&self) -> Result<Status> {
        decode(self.send(Method::GET, STATUS, NO_QUERY, None, TIMEOUT).await?.value, STATUS)
    }

    /// `POST /causeway/v1/accounts`: an account with a user, an access key and a project in each region.
    ///
    /// # Errors
    /// [`crate::Error`]; status 403 unless the caller is the operator.
    pub async fn create_account(&self, account: &AccountCreate) -> Result<AccountCreated> {
        self.exchange(ACCOUNTS, account, TIMEOUT).await
    }

    /// `GET /causeway/v1/accounts`.
    ///
    /// # Errors
    /// [`crate::Error`]; status 403 unless the caller is the operator.
    pub async fn list_accounts(&self) -> Result<Vec<Account>> {
        self.list_whole(ACCOUNTS, "accounts", &()).await
    }

    /// `DELETE /causeway/v1/accounts/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; status 403 unless the caller is the operator.
    pub async fn delete_account(&self, id: &str) -> Result<()> {
        self.delete(&format!("{ACCOUNTS}/{}", segment(id))).await
    }

    /// `POST /causeway/v1/peerings/{id}/expire`: ends the time of a request that was not answered.
    ///
    /// # Errors
    /// [`crate::Error`]; status 403 unless the caller is the operator.
    pub async fn expire_peering(&self, id: &str) -> Result<()> {
        let path = format!("/causeway/v1/peerings/{}/expire", segment(id));
        self.send(Method::POST, &path, NO_QUERY, None, TIMEOUT).await.map(drop)
    }

    /// `POST /causeway/v1/servers`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_server(&self, server: &ServerCreate) -> Result<Server> {
        self.write(Method::POST, SERVERS, "server", server).await
    }

    /// `GET /causeway/v1/servers`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_servers(&self, filter: &ServerFilter) -> Result<Vec<Server>> {
        self.list_whole(SERVERS, "servers", filter).await
    }

    /// `GET /causeway/v1/servers/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_server(&self, id: &str) -> Result<Server> {
        self.show(&server_path(id), "server").await
    }

    /// `PUT /causeway/v1/servers/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_server(&self, id: &str, changes: &ServerUpdate) -> Result<Server> {
        let path = server_path(id);
        let body = json!({ "server": to_json(changes)? });
        let value = self.send(Method::PUT, &path, NO_QUERY, Some(&body), TIMEOUT).await?.value;
        if value.get("server").is_some() { member(value, "server", &path) } else { self.show_server(id).await }
    }

    /// `POST /causeway/v1/servers/{id}/action` with `start`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn start_server(&self, id: &str) -> Result<()> {
        self.server_action(id, "start").await
    }

    /// `POST /causeway/v1/servers/{id}/action` with `stop`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn stop_server(&self, id: &str) -> Result<()> {
        self.server_action(id, "stop").await
    }

    async fn server_action(&self, id: &str, action: &str) -> Result<()> {
        let path = format!("{}/action", server_path(id));
        self.send(Method::POST, &path, NO_QUERY, Some(&json!({ action: {} })), TIMEOUT).await.map(drop)
    }

    /// `DELETE /causeway/v1/servers/{id}`: with its port.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn delete_server(&self, id: &str) -> Result<()> {
        self.delete(&server_path(id)).await
    }
}
