//! Subnets.

use reqwest::Method;
use serde::Deserialize;

use super::segment;
use crate::Result;
use crate::transport::Client;
use crate::types::{Subnet, SubnetCreate, SubnetFilter, SubnetUpdate};

/// All that an update answers.
#[derive(Deserialize)]
struct Updated {}

impl Client {
    /// `POST /v1/{project}/subnets`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_subnet(&self, subnet: &SubnetCreate) -> Result<Subnet> {
        self.write(Method::POST, &self.v1("/subnets")?, "subnet", subnet).await
    }

    /// `GET /v1/{project}/subnets`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_subnets(&self, filter: &SubnetFilter) -> Result<Vec<Subnet>> {
        self.list(&self.v1("/subnets")?, "subnets", filter).await
    }

    /// `GET /v1/{project}/subnets/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_subnet(&self, id: &str) -> Result<Subnet> {
        self.show(&self.v1(&format!("/subnets/{}", segment(id)))?, "subnet").await
    }

    /// `PUT /v1/{project}/vpcs/{vpc}/subnets/{id}`, and then reads the subnet: the update itself answers id and status only.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_subnet(&self, vpc_id: &str, id: &str, changes: &SubnetUpdate) -> Result<Subnet> {
        let path = self.v1(&format!("/vpcs/{}/subnets/{}", segment(vpc_id), segment(id)))?;
        let Updated {} = self.write(Method::PUT, &path, "subnet", changes).await?;
        self.show_subnet(id).await
    }

    /// `DELETE /v1/{project}/vpcs/{vpc}/subnets/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; status 500 while anything uses the subnet.
    pub async fn delete_subnet(&self, vpc_id: &str, id: &str) -> Result<()> {
        self.delete(&self.v1(&format!("/vpcs/{}/subnets/{}", segment(vpc_id), segment(id)))?).await
    }
}
