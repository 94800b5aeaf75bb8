//! Causeway's own operations: virtual IPs, claims, and further ports of servers.

use reqwest::Method;
use serde_json::json;

use super::segment;
use crate::Result;
use crate::transport::{Client, NO_QUERY, TIMEOUT, json as to_json, member};
use crate::types::{Claim, ClaimRequest, Port, Vip, VipBinding, VipFilter};

const VIPS: &str = "/causeway/v1/vips";

fn vip_path(id: &str) -> String {
    format!("{VIPS}/{}", segment(id))
}

fn server_path(id: &str, rest: &str) -> String {
    format!("/causeway/v1/servers/{}/{rest}", segment(id))
}

impl Client {
    /// `GET /causeway/v1/vips`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_vips(&self, filter: &VipFilter) -> Result<Vec<Vip>> {
        self.list_whole(VIPS, "vips", filter).await
    }

    /// `GET /causeway/v1/vips/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; status 404 also for a port that is no virtual IP.
    pub async fn show_vip(&self, id: &str) -> Result<Vip> {
        self.show(&vip_path(id), "vip").await
    }

    /// `POST /causeway/v1/vips/{id}/bind`.
    ///
    /// # Errors
    /// [`crate::Error`]; status 400 for a port of another subnet.
    pub async fn bind_vip(&self, id: &str, binding: &VipBinding) -> Result<Vip> {
        self.posted(&format!("{}/bind", vip_path(id)), "vip", &to_json(binding)?).await
    }

    /// `POST /causeway/v1/vips/{id}/unbind`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn unbind_vip(&self, id: &str, binding: &VipBinding) -> Result<Vip> {
        self.posted(&format!("{}/unbind", vip_path(id)), "vip", &to_json(binding)?).await
    }

    /// `POST /causeway/v1/servers/{id}/claim`: the server announces an address to its subnet.
    ///
    /// # Errors
    /// [`crate::Error`]; status 409 when the server does not run.
    pub async fn claim_address(&self, server_id: &str, claim: &ClaimRequest) -> Result<Claim> {
        self.posted(&server_path(server_id, "claim"), "claim", &to_json(claim)?).await
    }

    /// `GET /causeway/v1/servers/{id}/ports`, in the order of the server's interfaces.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_server_ports(&self, server_id: &str) -> Result<Vec<Port>> {
        self.list_whole(&server_path(server_id, "ports"), "ports", &()).await
    }

    /// `POST /causeway/v1/servers/{id}/ports`: one more interface.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn attach_port(&self, server_id: &str, port_id: &str) -> Result<Port> {
        self.posted(&server_path(server_id, "ports"), "port", &json!({ "port_id": port_id })).await
    }

    /// `DELETE /causeway/v1/servers/{id}/ports/{port_id}`; the port stays.
    ///
    /// # Errors
    /// [`crate::Error`]; status 400 for the primary port.
    pub async fn detach_port(&self, server_id: &str, port_id: &str) -> Result<()> {
        self.delete(&server_path(server_id, &format!("ports/{}", segment(port_id)))).await
    }

    async fn posted<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        name: &str,
        body: &serde_json::Value,
    ) -> Result<T> {
        member(self.send(Method::POST, path, NO_QUERY, Some(body), TIMEOUT).await?.value, name, path)
    }
}
