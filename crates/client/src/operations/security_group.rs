//! Security groups and their rules.

use reqwest::Method;

use super::segment;
use crate::Result;
use crate::transport::Client;
use crate::types::{
    SecurityGroup, SecurityGroupCreate, SecurityGroupFilter, SecurityGroupRule, SecurityGroupRuleCreate,
    SecurityGroupRuleFilter,
};

impl Client {
    /// `POST /v3/{project}/vpc/security-groups`: comes with four rules.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_security_group(&self, group: &SecurityGroupCreate) -> Result<SecurityGroup> {
        self.write(Method::POST, &self.v3("/security-groups")?, "security_group", group).await
    }

    /// `GET /v3/{project}/vpc/security-groups`: without rules.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_security_groups(&self, filter: &SecurityGroupFilter) -> Result<Vec<SecurityGroup>> {
        self.list(&self.v3("/security-groups")?, "security_groups", filter).await
    }

    /// `GET /v3/{project}/vpc/security-groups/{id}`: with rules.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_security_group(&self, id: &str) -> Result<SecurityGroup> {
        self.show(&self.v3(&format!("/security-groups/{}", segment(id)))?, "security_group").await
    }

    /// `DELETE /v3/{project}/vpc/security-groups/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`]; a conflict while ports or rules use the group.
    pub async fn delete_security_group(&self, id: &str) -> Result<()> {
        self.delete(&self.v3(&format!("/security-groups/{}", segment(id)))?).await
    }

    /// `POST /v3/{project}/vpc/security-group-rules`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn create_security_group_rule(&self, rule: &SecurityGroupRuleCreate) -> Result<SecurityGroupRule> {
        self.write(Method::POST, &self.v3("/security-group-rules")?, "security_group_rule", rule).await
    }

    /// `GET /v3/{project}/vpc/security-group-rules`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn list_security_group_rules(&self, filter: &SecurityGroupRuleFilter) -> Result<Vec<SecurityGroupRule>> {
        self.list(&self.v3("/security-group-rules")?, "security_group_rules", filter).await
    }

    /// `DELETE /v3/{project}/vpc/security-group-rules/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn delete_security_group_rule(&self, id: &str) -> Result<()> {
        self.delete(&self.v3(&format!("/security-group-rules/{}", segment(id)))?).await
    }
}
