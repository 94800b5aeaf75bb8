//! Peering connections.

use reqwest::Method;

use super::segment;
use crate::Result;
use crate::transport::{Client, NO_QUERY, TIMEOUT, decode, member};
use crate::types::{Peering, PeeringCreate, PeeringFilter, PeeringUpdate};

const PEERINGS: &str = "/v2.0/vpc/peerings";

fn path(id: &str) -> String {
    format!("{PEERINGS}/{}", segment(id))
}

impl Client {
    /// `POST /v2.0/vpc/peerings`: active at once inside an account, pending otherwise.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_peering(&self, peering: &PeeringCreate) -> Result<Peering> {
        self.write(Method::POST, PEERINGS, "peering", peering).await
    }

    /// `GET /v2.0/vpc/peerings`: those with the caller's project on either side.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_peerings(&self, filter: &PeeringFilter) -> Result<Vec<Peering>> {
        self.list(PEERINGS, "peerings", filter).await
    }

    /// `GET /v2.0/vpc/peerings/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_peering(&self, id: &str) -> Result<Peering> {
        self.show(&path(id), "peering").await
    }

    /// `PUT /v2.0/vpc/peerings/{id}/accept`: the accepter's answer.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict unless the peering is pending.
    pub async fn accept_peering(&self, id: &str) -> Result<Peering> {
        self.answer_peering(id, "accept").await
    }

    /// `PUT /v2.0/vpc/peerings/{id}/reject`: the accepter's answer.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict unless the peering is pending.
    pub async fn reject_peering(&self, id: &str) -> Result<Peering> {
        self.answer_peering(id, "reject").await
    }

    /// These two operations answer the object without a root.
    async fn answer_peering(&self, id: &str, answer: &str) -> Result<Peering> {
        let path = format!("{}/{answer}", path(id));
        let value = self.send(Method::PUT, &path, NO_QUERY, None, TIMEOUT).await?.value;
        if value.get("peering").is_some() { member(value, "peering", &path) } else { decode(value, &path) }
    }

    /// `PUT /v2.0/vpc/peerings/{id}`: name and text.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_peering(&self, id: &str, changes: &PeeringUpdate) -> Result<Peering> {
        self.write(Method::PUT, &path(id), "peering", changes).await
    }

    /// `DELETE /v2.0/vpc/peerings/{id}`: with the routes into it, on both sides.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn delete_peering(&self, id: &str) -> Result<()> {
        self.delete(&path(id)).await
    }
}
