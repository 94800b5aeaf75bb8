//! Route tables.

use reqwest::Method;
use serde_json::json;

use super::segment;
use crate::Result;
use crate::transport::Client;
use crate::types::{RouteTable, RouteTableCreate, RouteTableFilter, RouteTableUpdate};

impl Client {
    /// `GET /v1/{project}/routetables`: without routes.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_route_tables(&self, filter: &RouteTableFilter) -> Result<Vec<RouteTable>> {
        self.list(&self.v1("/routetables")?, "routetables", filter).await
    }

    /// `GET /v1/{project}/routetables/{id}`: with routes.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_route_table(&self, id: &str) -> Result<RouteTable> {
        self.show(&self.v1(&format!("/routetables/{}", segment(id)))?, "routetable").await
    }

    /// `POST /v1/{project}/routetables`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_route_table(&self, table: &RouteTableCreate) -> Result<RouteTable> {
        self.write(Method::POST, &self.v1("/routetables")?, "routetable", table).await
    }

    /// `PUT /v1/{project}/routetables/{id}`: name, text, and routes, all or nothing.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_route_table(&self, id: &str, changes: &RouteTableUpdate) -> Result<RouteTable> {
        self.write(Method::PUT, &self.v1(&format!("/routetables/{}", segment(id)))?, "routetable", changes).await
    }

    /// `POST /v1/{project}/routetables/{id}/action`: subnets leave their tables for this one.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn associate_subnets(&self, id: &str, subnet_ids: &[String]) -> Result<RouteTable> {
        self.route_table_action(id, "associate", subnet_ids).await
    }

    /// `POST /v1/{project}/routetables/{id}/action`: subnets go back to the default table.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn disassociate_subnets(&self, id: &str, subnet_ids: &[String]) -> Result<RouteTable> {
        self.route_table_action(id, "disassociate", subnet_ids).await
    }

    async fn route_table_action(&self, id: &str, action: &str, subnet_ids: &[String]) -> Result<RouteTable> {
        let path = self.v1(&format!("/routetables/{}/action", segment(id)))?;
        self.write(Method::POST, &path, "routetable", &json!({ "subnets": { action: subnet_ids } })).await
    }

    /// `DELETE /v1/{project}/routetables/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict while subnets use the table.
    pub async fn delete_route_table(&self, id: &str) -> Result<()> {
        self.delete(&self.v1(&format!("/routetables/{}", segment(id)))?).await
    }
}
