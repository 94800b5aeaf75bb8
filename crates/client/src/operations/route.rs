//! Routes of the older family.

use reqwest::Method;

use super::segment;
use crate::Result;
use crate::transport::Client;
use crate::types::{VpcRoute, VpcRouteCreate, VpcRouteFilter};

const ROUTES: &str = "/v2.0/vpc/routes";

impl Client {
    /// `POST /v2.0/vpc/routes`: a route into a peering, in the VPC's default table.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_vpc_route(&self, route: &VpcRouteCreate) -> Result<VpcRoute> {
        self.write(Method::POST, ROUTES, "route", route).await
    }

    /// `GET /v2.0/vpc/routes`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_vpc_routes(&self, filter: &VpcRouteFilter) -> Result<Vec<VpcRoute>> {
        self.list(ROUTES, "routes", filter).await
    }

    /// `GET /v2.0/vpc/routes/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_vpc_route(&self, id: &str) -> Result<VpcRoute> {
        self.show(&format!("{ROUTES}/{}", segment(id)), "route").await
    }

    /// `DELETE /v2.0/vpc/routes/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn delete_vpc_route(&self, id: &str) -> Result<()> {
        self.delete(&format!("{ROUTES}/{}", segment(id))).await
    }
}
