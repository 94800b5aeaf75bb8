//! Changes to network ACLs, policies and rules that are made together: what depends on what, and the guards.
//!
//! An ACL carries the rules of its policies, so whoever changes a policy or rule rewrites every ACL that has it. A rule
//! that changes locks the policies that it is in, a policy that changes is locked by being written, and an ACL locks the
//! policies that its rules are taken from: of two calls that would leave an ACL with old rules, one fails.

use std::collections::{BTreeMap, BTreeSet};

use catalog::Catalog;
use model::{
    Direction, Kind, NetworkAcl, NetworkAclId, NetworkAclPolicy, NetworkAclPolicyId, NetworkAclRule, NetworkAclRuleId,
    ProjectId, Timestamp,
};

use crate::enterprise_project::DEFAULT_ENTERPRISE_PROJECT;
use crate::{Changes, Context, Error, Quota};

/// Objects as they will be, over a catalog.
pub(crate) struct Draft<'a> {
    catalog: &'a Catalog,
    rules: BTreeMap<NetworkAclRuleId, Option<NetworkAclRule>>,
    policies: BTreeMap<NetworkAclPolicyId, Option<NetworkAclPolicy>>,
    acls: BTreeMap<NetworkAclId, Option<NetworkAcl>>,
    /// Guards and writes besides those of the objects.
    pub(crate) changes: Changes,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            rules: BTreeMap::new(),
            policies: BTreeMap::new(),
            acls: BTreeMap::new(),
            changes: Changes::new(),
        }
    }

    pub(crate) fn rule(&self, id: NetworkAclRuleId) -> Option<NetworkAclRule> {
        match self.rules.get(&id) {
            Some(rule) => rule.clone(),
            None => self.catalog.network_acl_rule(id).map(|rule| NetworkAclRule::clone(rule)),
        }
    }

    pub(crate) fn policy(&self, id: NetworkAclPolicyId) -> Option<NetworkAclPolicy> {
        match self.policies.get(&id) {
            Some(policy) => policy.clone(),
            None => self.catalog.network_acl_policy(id).map(|policy| NetworkAclPolicy::clone(policy)),
        }
    }

    pub(crate) fn acl(&self, id: NetworkAclId) -> Option<NetworkAcl> {
        match self.acls.get(&id) {
            Some(acl) => acl.clone(),
            None => self.catalog.network_acl(id).map(|acl| NetworkAcl::clone(acl)),
        }
    }

    pub(crate) fn put_rule(&mut self, rule: NetworkAclRule) {
        for group in rule.address_groups() {
            self.changes.share(Kind::AddressGroup, group);
        }
        self.rules.insert(rule.id, Some(rule));
    }

    pub(crate) fn put_policy(&mut self, policy: NetworkAclPolicy) {
        self.policies.insert(policy.id, Some(policy));
    }

    pub(crate) fn put_acl(&mut self, acl: NetworkAcl) {
        self.acls.insert(acl.id, Some(acl));
    }

    pub(crate) fn remove_rule(&mut self, id: NetworkAclRuleId) {
        self.rules.insert(id, None);
    }

    pub(crate) fn remove_policy(&mut self, id: NetworkAclPolicyId) {
        self.policies.insert(id, None);
    }

    pub(crate) fn remove_acl(&mut self, id: NetworkAclId) {
        self.acls.insert(id, None);
    }

    /// The policies that have a rule, as they will be.
    pub(crate) fn policies_with(&self, rule: NetworkAclRuleId) -> Vec<NetworkAclPolicyId> {
        let stored = self.catalog.network_acl_policies_with_rule(rule).map(|policy| policy.id);
        let known: BTreeSet<_> = stored.chain(self.policies.keys().copied()).collect();
        let has = |id: &NetworkAclPolicyId| self.policy(*id).is_some_and(|policy| policy.rules.contains(&rule));
        known.into_iter().filter(has).collect()
    }

    /// The ACLs that have a policy, as they will be.
    pub(crate) fn acls_with(&self, policy: NetworkAclPolicyId) -> Vec<NetworkAclId> {
        let stored = self.catalog.network_acls_with_policy(policy).map(|acl| acl.id);
        let known: BTreeSet<_> = stored.chain(self.acls.keys().copied()).collect();
        let has = |id: &NetworkAclId| {
            self.acl(*id).is_some_and(|acl| [acl.ingress_policy, acl.egress_policy].contains(&Some(policy)))
        };
        known.into_iter().filter(has).collect()
    }

    /// Takes a rule out of the installation when no policy has it any more.
    pub(crate) fn drop_rule_without_policy(&mut self, rule: NetworkAclRuleId) {
        if self.policies_with(rule).is_empty() {
            self.remove_rule(rule);
        }
    }

    /// Brings the rules of every ACL up to date and checks the quotas.
    pub(crate) fn settle(&mut self, ctx: &Context<'_>) -> Result<(), Error> {
        let mut policies: BTreeSet<_> = self.policies.keys().copied().collect();
        let changed: Vec<_> = self.rules.keys().copied().collect();
        for rule in changed {
            for policy in self.policies_with(rule) {
                self.changes.lock(self.catalog, Kind::NetworkAclPolicy, policy);
                policies.insert(policy);
            }
        }
        let mut acls: BTreeSet<_> = self.acls.keys().copied().collect();
        for policy in policies {
            acls.extend(self.acls_with(policy));
        }
        for id in acls {
            let Some(mut acl) = self.acl(id) else { continue };
            acl.ingress = self.rules_of(&acl, Direction::Ingress)?;
            acl.egress = self.rules_of(&acl, Direction::Egress)?;
            if self.catalog.network_acl(id).is_none_or(|old| **old != acl) {
                acl.updated_at = ctx.now;
                self.put_acl(acl);
            }
        }
        self.check_quotas(ctx)
    }

    fn rules_of(&mut self, acl: &NetworkAcl, direction: Direction) -> Result<Vec<NetworkAclRule>, Error> {
        let Some(id) = acl.policy(direction) else { return Ok(Vec::new()) };
        let policy = self.policy(id).ok_or_else(|| Error::not_found(Kind::NetworkAclPolicy, id))?;
        self.changes.lock(self.catalog, Kind::NetworkAclPolicy, id);
        let rule = |id: &NetworkAclRuleId| self.rule(*id).ok_or_else(|| Error::not_found(Kind::NetworkAclRule, id));
        policy.rules.iter().map(rule).collect()
    }

    fn check_quotas(&mut self, ctx: &Context<'_>) -> Result<(), Error> {
        // The forwarding tables have room for so many rules of one direction.
        let limit = ctx.limits.rules_per_network_acl.min(abi::ACL_RULES as usize);
        for policy in self.policies.values().flatten() {
            let before = self.catalog.network_acl_policy(policy.id).map_or(0, |policy| policy.rules.len());
            if policy.rules.len() > limit && policy.rules.len() > before {
                return Err(Error::QuotaExceeded { resource: Quota::RulesOfNetworkAcl, used: before, limit });
            }
        }
        let catalog = self.catalog;
        let new_rules = self.rules.values().flatten().filter(|rule| catalog.network_acl_rule(rule.id).is_none());
        let new_rules: Vec<ProjectId> = new_rules.map(|rule| rule.project).collect();
        if let Some(project) = new_rules.first() {
            let (used, limit) = (catalog.network_acl_rules_of(*project).count(), ctx.limits.network_acl_rules);
            if used + new_rules.len() > limit {
                return Err(Error::QuotaExceeded { resource: Quota::NetworkAclRules, used, limit });
            }
            self.changes.lock(catalog, Kind::Project, project);
        }
        let new_policies = self.policies.values().flatten();
        let new_policies = new_policies.filter(|policy| catalog.network_acl_policy(policy.id).is_none());
        let new_policies: Vec<ProjectId> = new_policies.map(|policy| policy.project).collect();
        if let Some(project) = new_policies.first() {
            let (used, limit) = (catalog.network_acl_policies_of(*project).count(), ctx.limits.network_acl_policies);
            if used + new_policies.len() > limit {
                return Err(Error::QuotaExceeded { resource: Quota::NetworkAclPolicies, used, limit });
            }
            self.changes.lock(catalog, Kind::Project, project);
        }
        Ok(())
    }

    /// The guards and writes. Call [`Draft::settle`] first.
    pub(crate) fn into_changes(mut self) -> Changes {
        let catalog = self.catalog;
        for (id, policy) in &self.policies {
            // A rule that joins a policy must not change meanwhile: its change would not know of the policy.
            let before: &[NetworkAclRuleId] = catalog.network_acl_policy(*id).map_or(&[], |policy| &policy.rules);
            for rule in policy.iter().flat_map(|policy| &policy.rules) {
                if !before.contains(rule) && catalog.network_acl_rule(*rule).is_some() {
                    self.changes.lock(catalog, Kind::NetworkAclRule, rule);
                }
            }
        }
        for (id, rule) in self.rules {
            match (catalog.network_acl_rule(id).is_some(), rule) {
                (true, Some(rule)) => self.changes.replace(catalog, rule),
                (false, Some(rule)) => self.changes.create(rule),
                (true, None) => self.changes.delete(catalog, Kind::NetworkAclRule, id),
                (false, None) => {}
            }
        }
        for (id, policy) in self.policies {
            match (catalog.network_acl_policy(id).is_some(), policy) {
                (true, Some(policy)) => self.changes.replace(catalog, policy),
                (false, Some(policy)) => self.changes.create(policy),
                (true, None) => self.changes.delete(catalog, Kind::NetworkAclPolicy, id),
                (false, None) => {}
            }
        }
        for (id, acl) in self.acls {
            match (catalog.network_acl(id).is_some(), acl) {
                (true, Some(acl)) => self.changes.replace(catalog, acl),
                (false, Some(acl)) => self.changes.create(acl),
                (true, None) => self.changes.delete(catalog, Kind::NetworkAcl, id),
                (false, None) => {}
            }
        }
        self.changes
    }
}

/// A new ACL without rules and subnets.
pub(crate) fn empty_acl(id: NetworkAclId, project: &model::Project, now: Timestamp) -> NetworkAcl {
    NetworkAcl {
        id,
        project: project.id,
        region: project.region.clone(),
        name: String::new(),
        description: String::new(),
        enterprise_project_id: DEFAULT_ENTERPRISE_PROJECT.to_owned(),
        tags: model::Tags::default(),
        enabled: true,
        subnets: BTreeSet::new(),
        ingress_policy: None,
        egress_policy: None,
        ingress: Vec::new(),
        egress: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}
