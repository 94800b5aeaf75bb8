//! VPCs.

use reqwest::Method;
use serde_json::json;

use super::segment;
use crate::Result;
use crate::transport::Client;
use crate::types::{Vpc, VpcCreate, VpcFilter, VpcUpdate, VpcV3};

impl Client {
    /// `POST /v1/{project}/vpcs`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_vpc(&self, vpc: &VpcCreate) -> Result<Vpc> {
        self.write(Method::POST, &self.v1("/vpcs")?, "vpc", vpc).await
    }

    /// `GET /v1/{project}/vpcs`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_vpcs(&self) -> Result<Vec<Vpc>> {
        self.list(&self.v1("/vpcs")?, "vpcs", &()).await
    }

    /// `GET /v1/{project}/vpcs/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_vpc(&self, id: &str) -> Result<Vpc> {
        self.show(&self.v1(&format!("/vpcs/{}", segment(id)))?, "vpc").await
    }

    /// `PUT /v1/{project}/vpcs/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_vpc(&self, id: &str, changes: &VpcUpdate) -> Result<Vpc> {
        self.write(Method::PUT, &self.v1(&format!("/vpcs/{}", segment(id)))?, "vpc", changes).await
    }

    /// `DELETE /v1/{project}/vpcs/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict while anything is left in the VPC.
    pub async fn delete_vpc(&self, id: &str) -> Result<()> {
        self.delete(&self.v1(&format!("/vpcs/{}", segment(id)))?).await
    }

    /// `GET /v3/{project}/vpc/vpcs`: with secondary prefixes, and filters.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_vpcs_v3(&self, filter: &VpcFilter) -> Result<Vec<VpcV3>> {
        self.list(&self.v3("/vpcs")?, "vpcs", filter).await
    }

    /// `GET /v3/{project}/vpc/vpcs/{id}`: with secondary prefixes.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_vpc_v3(&self, id: &str) -> Result<VpcV3> {
        self.show(&self.v3(&format!("/vpcs/{}", segment(id)))?, "vpc").await
    }

    /// `PUT /v3/{project}/vpc/vpcs/{id}/add-extend-cidr`: adds secondary prefixes.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn add_extend_cidrs(&self, id: &str, cidrs: &[String]) -> Result<VpcV3> {
        let path = self.v3(&format!("/vpcs/{}/add-extend-cidr", segment(id)))?;
        self.write(Method::PUT, &path, "vpc", &json!({ "extend_cidrs": cidrs })).await
    }

    /// `PUT /v3/{project}/vpc/vpcs/{id}/remove-extend-cidr`: removes secondary prefixes without subnets.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn remove_extend_cidrs(&self, id: &str, cidrs: &[String]) -> Result<VpcV3> {
        let path = self.v3(&format!("/vpcs/{}/remove-extend-cidr", segment(id)))?;
        self.write(Method::PUT, &path, "vpc", &json!({ "extend_cidrs": cidrs })).await
    }
}
