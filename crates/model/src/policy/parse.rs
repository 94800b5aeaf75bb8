//! Policy documents as they come (api-iam §9.1), and what is wrong with them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Condition, DOCUMENT_LIMIT, Effect, KNOWN_KEYS, PolicyDocument, Statement};

/// A document that is not well formed. Each sentence names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Something has not the type that is expected there.
    #[error("{place}: {expected} is expected")]
    Form {
        /// Where, such as `Statement[0].Action`.
        place: String,
        /// What is expected.
        expected: &'static str,
    },
    /// A member that nothing would come of.
    #[error("{place}: `{member}` is not a member of a policy; allowed are {allowed}")]
    UnknownMember {
        /// Where.
        place: String,
        /// The member.
        member: String,
        /// What may be there.
        allowed: &'static str,
    },
    /// Neither a fine-grained nor an identity policy.
    #[error("Version: `{0}` is not supported; write \"1.1\"")]
    Version(String),
    /// More characters than allowed.
    #[error("the policy has {0} characters; at most {DOCUMENT_LIMIT} are allowed")]
    TooLong(usize),
    /// None or too many.
    #[error("Statement: {0} statements; 1 to 8 are allowed")]
    Statements(usize),
    /// Neither of both effects.
    #[error("{place}: `{effect}` is not an effect; write Allow or Deny")]
    Effect {
        /// Where.
        place: String,
        /// What was given.
        effect: String,
    },
    /// Both forms of actions, or the negative one in a statement that allows.
    #[error("{0}: Action and NotAction exclude each other, and NotAction goes with Deny only")]
    ActionAndNotAction(String),
    /// None or too many.
    #[error("{place}: {count} actions; 1 to 100 are allowed")]
    Actions {
        /// Where.
        place: String,
        /// How many.
        count: usize,
    },
    /// An action of another form.
    #[error(
        "{place}: `{action}` is not an action; service:type:operation of letters, digits, - and _ is expected, with * \
         for any text and the service in lower case"
    )]
    Action {
        /// Where.
        place: String,
        /// The action.
        action: String,
    },
    /// None or too many.
    #[error("{place}: {count} resources; 1 to 10 are allowed, or leave Resource out for all")]
    Resources {
        /// Where.
        place: String,
        /// How many.
        count: usize,
    },
    /// A resource of another form.
    #[error("{place}: `{resource}` is not a resource; service:region:account:type:id is expected, with * for any text")]
    Resource {
        /// Where.
        place: String,
        /// The resource.
        resource: String,
    },
    /// None or too many.
    #[error("{place}: {count} conditions; 1 to 10 are allowed, or leave Condition out")]
    Conditions {
        /// Where.
        place: String,
        /// How many keys in all operators.
        count: usize,
    },
    /// An operator, key or value that nothing can be compared with.
    #[error("{place}: {reason}")]
    Condition {
        /// Where.
        place: String,
        /// What is wrong and what is allowed.
        reason: String,
    },
}

type Parsed<T> = Result<T, PolicyError>;

impl PolicyDocument {
    /// Reads a document.
    ///
    /// # Errors
    /// [`PolicyError`] for the first thing that is wrong.
    pub fn parse(value: &Value) -> Parsed<Self> {
        let object = object(value, "policy")?;
        members(object, "policy", &["Version", "Statement"], "Version and Statement")?;
        let version = match object.get("Version") {
            Some(Value::String(version)) if matches!(version.as_str(), "1.1" | "5.0") => version.clone(),
            Some(Value::String(other)) => return Err(PolicyError::Version(shown(other))),
            _ => return Err(form("Version", "the text \"1.1\"")),
        };
        let statements = match object.get("Statement") {
            Some(Value::Array(statements)) => statements,
            _ => return Err(form("Statement", "an array of statements")),
        };
        if statements.is_empty() || statements.len() > 8 {
            return Err(PolicyError::Statements(statements.len()));
        }
        let statements = statements.iter().enumerate().map(|(i, value)| statement(value, &format!("Statement[{i}]")));
        let document = Self { version, statements: statements.collect::<Parsed<_>>()? };
        let length = value.to_string().chars().count();
        if length > DOCUMENT_LIMIT { Err(PolicyError::TooLong(length)) } else { Ok(document) }
    }

    /// The document as it came.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

fn statement(value: &Value, place: &str) -> Parsed<Statement> {
    let object = object(value, place)?;
    const MEMBERS: [&str; 5] = ["Effect", "Action", "NotAction", "Resource", "Condition"];
    members(object, place, &MEMBERS, "Effect, Action, NotAction, Resource and Condition")?;
    let effect = match object.get("Effect") {
        Some(Value::String(text)) if text.eq_ignore_ascii_case("allow") => Effect::Allow,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("deny") => Effect::Deny,
        Some(Value::String(text)) => {
            return Err(PolicyError::Effect { place: format!("{place}.Effect"), effect: shown(text) });
        }
        _ => return Err(form(format!("{place}.Effect"), "Allow or Deny")),
    };
    let (actions, not_actions) = (object.get("Action"), object.get("NotAction"));
    if not_actions.is_some() && (actions.is_some() || effect == Effect::Allow) {
        return Err(PolicyError::ActionAndNotAction(place.to_owned()));
    }
    let (actions, not_actions) = match not_actions {
        Some(value) => (Vec::new(), action_list(Some(value), format!("{place}.NotAction"))?),
        None => (action_list(actions, format!("{place}.Action"))?, Vec::new()),
    };
    let resources = match object.get("Resource") {
        None => Vec::new(),
        Some(value) => resources(value, format!("{place}.Resource"))?,
    };
    let conditions = match object.get("Condition") {
        None => BTreeMap::new(),
        Some(value) => conditions(value, &format!("{place}.Condition"), effect)?,
    };
    Ok(Statement { effect, actions, not_actions, resources, conditions })
}

fn action_list(value: Option<&Value>, place: String) -> Parsed<Vec<String>> {
    let Some(value) = value else { return Err(form(place, "an array of actions")) };
    let actions = texts(value, &place, "an array of actions")?;
    if actions.is_empty() || actions.len() > 100 {
        return Err(PolicyError::Actions { place, count: actions.len() });
    }
    match actions.iter().find(|action| !is_action(action)) {
        Some(action) => Err(PolicyError::Action { place, action: shown(action) }),
        None => Ok(actions),
    }
}

fn is_action(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let good = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*'))
    };
    parts.len() == 3 && parts.iter().all(good) && !parts[0].bytes().any(|b| b.is_ascii_uppercase())
}

fn resources(value: &Value, place: String) -> Parsed<Vec<String>> {
    let resources = texts(value, &place, "an array of resources")?;
    if resources.is_empty() || resources.len() > 10 {
        return Err(PolicyError::Resources { place, count: resources.len() });
    }
    let bad = |text: &&String| text.splitn(5, ':').filter(|part| !part.is_empty()).count() != 5;
    match resources.iter().find(bad) {
        Some(resource) => Err(PolicyError::Resource { place, resource: shown(resource) }),
        None => Ok(resources),
    }
}

fn conditions(value: &Value, place: &str, effect: Effect) -> Parsed<BTreeMap<String, BTreeMap<String, Vec<String>>>> {
    let mut read = BTreeMap::new();
    let mut count = 0;
    for (operator, keys) in object(value, place)? {
        let place = format!("{place}.{}", shown(operator));
        let wrong = |reason: String| PolicyError::Condition { place: place.clone(), reason };
        let condition: Condition = operator.parse().map_err(|()| wrong("this is not an operator".to_owned()))?;
        let mut values_by_key = BTreeMap::new();
        for (key, values) in object(keys, &place)? {
            count += 1;
            let place = format!("{place}.{}", shown(key));
            let wrong = |reason: String| PolicyError::Condition { place: place.clone(), reason };
            if !is_key(key) {
                return Err(wrong("this is not a key; write one such as g:UserName".to_owned()));
            }
            // A permission under a condition that never holds permits nothing. A denial would deny nothing, and a
            // permission under a condition that always holds would have no limit, unnoticed.
            let known = KNOWN_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key));
            if !known && (effect == Effect::Deny || condition.takes_a_missing_key()) {
                return Err(wrong(format!(
                    "this installation never knows this key, so the condition would limit nothing; use one of {}",
                    KNOWN_KEYS.join(", ")
                )));
            }
            let values = texts(values, &place, "an array of texts")?;
            if values.is_empty() {
                return Err(wrong("at least one value is expected".to_owned()));
            }
            for value in &values {
                if let Some(expected) = condition.refuses(value) {
                    return Err(wrong(format!("`{}`: {expected}", shown(value))));
                }
            }
            values_by_key.insert(key.clone(), values);
        }
        read.insert(operator.clone(), values_by_key);
    }
    if count == 0 || count > 10 {
        return Err(PolicyError::Conditions { place: place.to_owned(), count });
    }
    Ok(read)
}

/// `g:Name`, `service:Name`, with what follows a slash free.
fn is_key(key: &str) -> bool {
    let Some((service, name)) = key.split_once(':') else { return false };
    let name = name.split('/').next().unwrap_or_default();
    let good = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    good(service) && good(name)
}

fn object<'a>(value: &'a Value, place: &str) -> Parsed<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| form(place, "an object"))
}

fn members(object: &Map<String, Value>, place: &str, known: &[&str], allowed: &'static str) -> Parsed<()> {
    match object.keys().find(|member| !known.contains(&member.as_str())) {
        Some(member) => Err(PolicyError::UnknownMember { place: place.to_owned(), member: shown(member), allowed }),
        None => Ok(()),
    }
}

fn texts(value: &Value, place: &str, expected: &'static str) -> Parsed<Vec<String>> {
    let list = value.as_array().ok_or_else(|| form(place, expected))?;
    list.iter().map(|text| text.as_str().map(str::to_owned).ok_or_else(|| form(place, expected))).collect()
}

fn form(place: impl Into<String>, expected: &'static str) -> PolicyError {
    PolicyError::Form { place: place.into(), expected }
}

/// What is repeated of what was given.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
