//! Network ACLs, their rules and subnets.

use reqwest::Method;
use serde_json::{Value, json};

use super::segment;
use crate::Result;
use crate::transport::{Client, NO_QUERY, TIMEOUT, json as to_json, member};
use crate::types::{
    NetworkAcl, NetworkAclCreate, NetworkAclFilter, NetworkAclInsertion, NetworkAclRuleUpdate, NetworkAclUpdate,
};

const ROOT: &str = "firewall";

impl Client {
    /// `POST /v3/{project}/vpc/firewalls`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_network_acl(&self, acl: &NetworkAclCreate) -> Result<NetworkAcl> {
        self.write(Method::POST, &self.v3("/firewalls")?, ROOT, acl).await
    }

    /// `GET /v3/{project}/vpc/firewalls`: without rules.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_network_acls(&self, filter: &NetworkAclFilter) -> Result<Vec<NetworkAcl>> {
        self.list(&self.v3("/firewalls")?, "firewalls", filter).await
    }

    /// `GET /v3/{project}/vpc/firewalls/{id}`: with rules.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_network_acl(&self, id: &str) -> Result<NetworkAcl> {
        self.show(&self.acl_path(id, "")?, ROOT).await
    }

    /// `PUT /v3/{project}/vpc/firewalls/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_network_acl(&self, id: &str, changes: &NetworkAclUpdate) -> Result<NetworkAcl> {
        self.write(Method::PUT, &self.acl_path(id, "")?, ROOT, changes).await
    }

    /// `DELETE /v3/{project}/vpc/firewalls/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict while it guards subnets.
    pub async fn delete_network_acl(&self, id: &str) -> Result<()> {
        self.delete(&self.acl_path(id, "")?).await
    }

    /// `PUT /v3/{project}/vpc/firewalls/{id}/insert-rules`: all or none.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn insert_network_acl_rules(&self, id: &str, rules: &NetworkAclInsertion) -> Result<NetworkAcl> {
        self.write(Method::PUT, &self.acl_path(id, "/insert-rules")?, ROOT, rules).await
    }

    /// `PUT /v3/{project}/vpc/firewalls/{id}/update-rules`: all or none.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn update_network_acl_rules(
        &self,
        id: &str,
        ingress: &[NetworkAclRuleUpdate],
        egress: &[NetworkAclRuleUpdate],
    ) -> Result<NetworkAcl> {
        let rules = json!({"ingress_rules": ingress, "egress_rules": egress});
        self.write(Method::PUT, &self.acl_path(id, "/update-rules")?, ROOT, &rules).await
    }

    /// `PUT /v3/{project}/vpc/firewalls/{id}/remove-rules`: all or none.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn remove_network_acl_rules(
        &self,
        id: &str,
        ingress: &[String],
        egress: &[String],
    ) -> Result<NetworkAcl> {
        let ids = |rules: &[String]| -> Vec<Value> { rules.iter().map(|rule| json!({"id": rule})).collect() };
        let rules = json!({"ingress_rules": ids(ingress), "egress_rules": ids(egress)});
        self.write(Method::PUT, &self.acl_path(id, "/remove-rules")?, ROOT, &rules).await
    }

    /// `PUT /v3/{project}/vpc/firewalls/{id}/associate-subnets`.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict for a subnet under another ACL.
    pub async fn guard_subnets(&self, id: &str, subnet_ids: &[String]) -> Result<NetworkAcl> {
        self.acl_subnets(id, "/associate-subnets", subnet_ids).await
    }

    /// `PUT /v3/{project}/vpc/firewalls/{id}/disassociate-subnets`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn unguard_subnets(&self, id: &str, subnet_ids: &[String]) -> Result<NetworkAcl> {
        self.acl_subnets(id, "/disassociate-subnets", subnet_ids).await
    }

    async fn acl_subnets(&self, id: &str, what: &str, subnet_ids: &[String]) -> Result<NetworkAcl> {
        let path = self.acl_path(id, what)?;
        let subnets: Vec<Value> = subnet_ids.iter().map(|subnet| json!({"virsubnet_id": subnet})).collect();
        let body = to_json(&json!({"subnets": subnets}))?;
        let answer = self.send(Method::PUT, &path, NO_QUERY, Some(&body), TIMEOUT).await?;
        member(answer.value, ROOT, &path)
    }

    fn acl_path(&self, id: &str, rest: &str) -> Result<String> {
        self.v3(&format!("/firewalls/{}{rest}", segment(id)))
    }
}
