//! IP address groups.

use reqwest::Method;

use super::segment;
use crate::Result;
use crate::transport::Client;
use crate::types::{AddressGroup, AddressGroupCreate, AddressGroupDependency, AddressGroupFilter, AddressGroupUpdate};

const ROOT: &str = "address_group";

impl Client {
    /// `POST /v3/{project}/vpc/address-groups`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_address_group(&self, group: &AddressGroupCreate) -> Result<AddressGroup> {
        self.write(Method::POST, &self.v3("/address-groups")?, ROOT, group).await
    }

    /// `GET /v3/{project}/vpc/address-groups`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_address_groups(&self, filter: &AddressGroupFilter) -> Result<Vec<AddressGroup>> {
        self.list(&self.v3("/address-groups")?, "address_groups", filter).await
    }

    /// `GET /v3/{project}/vpc/address-groups/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_address_group(&self, id: &str) -> Result<AddressGroup> {
        self.show(&self.v3(&format!("/address-groups/{}", segment(id)))?, ROOT).await
    }

    /// `PUT /v3/{project}/vpc/address-groups/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_address_group(&self, id: &str, changes: &AddressGroupUpdate) -> Result<AddressGroup> {
        self.write(Method::PUT, &self.v3(&format!("/address-groups/{}", segment(id)))?, ROOT, changes).await
    }

    /// `DELETE /v3/{project}/vpc/address-groups/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict while rules name it.
    pub async fn delete_address_group(&self, id: &str) -> Result<()> {
        self.delete(&self.v3(&format!("/address-groups/{}", segment(id)))?).await
    }

    /// `DELETE /v3/{project}/vpc/address-groups/{id}/force`: with every rule that names it.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn force_delete_address_group(&self, id: &str) -> Result<()> {
        self.delete(&self.v3(&format!("/address-groups/{}/force", segment(id)))?).await
    }

    /// `GET /v3/{project}/vpc/list-address-groups-dependency`: of these groups, or of all where none is given.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_address_group_dependencies(&self, ids: &[String]) -> Result<Vec<AddressGroupDependency>> {
        let filter = AddressGroupFilter { id: ids.to_vec(), ..AddressGroupFilter::default() };
        self.list(&self.v3("/list-address-groups-dependency")?, "address_groups", &filter).await
    }
}
