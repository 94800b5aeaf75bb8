//! Causeway's own operations: explanations and measurements.

use reqwest::Method;

use super::segment;
use crate::Result;
use crate::transport::{Client, LONG_TIMEOUT, NO_QUERY, TIMEOUT, decode};
use crate::types::{
    Diagnosis, ProbeAnswer, ProbeRequest, ReachAnswer, ReachRequest, RouteState, TraceAnswer, TraceRequest,
};

impl Client {
    /// `POST /causeway/v1/trace`: what would happen to a packet and to its reply.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn trace(&self, request: &TraceRequest) -> Result<TraceAnswer> {
        self.exchange("/causeway/v1/trace", request, TIMEOUT).await
    }

    /// `POST /causeway/v1/reach`: who reaches whom. Measuring takes a while.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn reach(&self, request: &ReachRequest) -> Result<ReachAnswer> {
        self.exchange("/causeway/v1/reach", request, LONG_TIMEOUT).await
    }

    /// `POST /causeway/v1/probe`: sends a packet and waits for the reply.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn probe(&self, request: &ProbeRequest) -> Result<ProbeAnswer> {
        self.exchange("/causeway/v1/probe", request, LONG_TIMEOUT).await
    }

    /// `GET /causeway/v1/peerings/{id}/doctor`: what keeps a peering from working.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn examine_peering(&self, id: &str) -> Result<Diagnosis> {
        let path = format!("/causeway/v1/peerings/{}/doctor", segment(id));
        decode(self.send(Method::GET, &path, NO_QUERY, None, TIMEOUT).await?.value, &path)
    }

    /// `GET /causeway/v1/warnings/peerings/{id}`: what about a peering will surprise, such as prefixes that overlap.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn peering_warnings(&self, id: &str) -> Result<Vec<String>> {
        self.list_whole(&format!("/causeway/v1/warnings/peerings/{}", segment(id)), "warnings", &()).await
    }

    /// `GET /causeway/v1/route-tables/{id}/routes`: the routes and whether they do anything.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn route_states(&self, route_table_id: &str) -> Result<Vec<RouteState>> {
        self.list_whole(&format!("/causeway/v1/route-tables/{}/routes", segment(route_table_id)), "routes", &()).await
    }
}
