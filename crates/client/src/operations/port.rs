//! Ports.

use reqwest::Method;

use super::segment;
use crate::Result;
use crate::transport::Client;
use crate::types::{Port, PortCreate, PortFilter, PortUpdate};

impl Client {
    /// `POST /v1/{project}/ports`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_port(&self, port: &PortCreate) -> Result<Port> {
        self.write(Method::POST, &self.v1("/ports")?, "port", port).await
    }

    /// `GET /v1/{project}/ports`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_ports(&self, filter: &PortFilter) -> Result<Vec<Port>> {
        self.list(&self.v1("/ports")?, "ports", filter).await
    }

    /// `GET /v1/{project}/ports/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_port(&self, id: &str) -> Result<Port> {
        self.show(&self.v1(&format!("/ports/{}", segment(id)))?, "port").await
    }

    /// `PUT /v1/{project}/ports/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_port(&self, id: &str, changes: &PortUpdate) -> Result<Port> {
        self.write(Method::PUT, &self.v1(&format!("/ports/{}", segment(id)))?, "port", changes).await
    }

    /// `DELETE /v1/{project}/ports/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; status 400 while something is attached.
    pub async fn delete_port(&self, id: &str) -> Result<()> {
        self.delete(&self.v1(&format!("/ports/{}", segment(id)))?).await
    }
}
