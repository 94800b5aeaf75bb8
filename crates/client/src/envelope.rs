//! The envelopes in which services put their errors.

use serde_json::{Map, Value};

use crate::Error;

/// Longest message taken from a body that is in no known envelope, in characters.
const MAX_RAW: usize = 300;

/// Reads the body of an answer with an error status. The order is that of the official SDKs: `error_code` and `error_msg`,
/// `errorCode` and `errorMsg`, `code` and `message`, on the top level and then one level down; after these the
/// `NeutronError` with its `type` and `message`; last the status and the body itself.
pub(crate) fn parse(status: u16, header_request_id: Option<&str>, cause: Option<&str>, body: &[u8]) -> Error {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let top = value.as_object();
    let (code, message) = top
        .and_then(|top| {
            let nested = || top.values().filter_map(Value::as_object);
            pair(top)
                .or_else(|| nested().find_map(pair))
                .or_else(|| nested().find_map(|object| texts(object, "type", "message")))
        })
        .unwrap_or_else(|| (status.to_string(), raw_message(top, body)));
    let request_id = top
        .and_then(|top| top.get("request_id"))
        .and_then(Value::as_str)
        .or(header_request_id)
        .filter(|id| !id.is_empty())
        .map(str::to_owned);
    let cause = cause.filter(|cause| !cause.is_empty()).map(Box::from);
    Error::Api { status, code, message, request_id, cause }
}

fn pair(object: &Map<String, Value>) -> Option<(String, String)> {
    [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")]
        .into_iter()
        .find_map(|(code, message)| texts(object, code, message))
}

/// Both members, or nothing. A code may be a number.
fn texts(object: &Map<String, Value>, code: &str, message: &str) -> Option<(String, String)> {
    let code = match object.get(code)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some((code, object.get(message)?.as_str()?.to_owned()))
}

/// A message for a body in no known envelope.
fn raw_message(top: Option<&Map<String, Value>>, body: &[u8]) -> String {
    if let Some(text) =
        top.and_then(|top| ["message", "error_msg", "error"].iter().find_map(|key| top.get(*key)?.as_str()))
    {
        return text.to_owned();
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() { "the answer has no body".to_owned() } else { text.chars().take(MAX_RAW).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: u16, body: &str) -> (String, String, Option<String>) {
        match parse(status, Some("from-header"), Some("subnet_in_use"), body.as_bytes()) {
            Error::Api { status: got, code, message, request_id, cause } => {
                assert_eq!((got, cause.as_deref()), (status, Some("subnet_in_use")));
                (code, message, request_id)
            }
            other => panic!("{other}"),
        }
    }

    /// Errors, section 1; IAM, section 8.
    #[test]
    fn every_envelope_gives_code_and_message() {
        for (status, body, code, message) in [
            // Gateway, v3 families, IAM's own.
            (401, r#"{"error_msg":"denied","error_code":"APIGW.0301","request_id":"r"}"#, "APIGW.0301", "denied"),
            (404, r#"{"request_id":"r","error_code":"VPC.2204","error_msg":"gone"}"#, "VPC.2204", "gone"),
            (403, r#"{"error_code":"IAM.0002","error_msg":"no","request_id":"r"}"#, "IAM.0002", "no"),
            (400, r#"{"errorCode":"X.1","errorMsg":"camel","request_id":"r"}"#, "X.1", "camel"),
            // v1.
            (400, r#"{"code":"VPC.0115","message":"name","request_id":"r"}"#, "VPC.0115", "name"),
            // Neutron, with and without a code inside.
            (
                409,
                r#"{"NeutronError":{"type":"PeeringExists","message":"twice","detail":""},"request_id":"r"}"#,
                "PeeringExists",
                "twice",
            ),
            (
                409,
                r#"{"NeutronError":{"type":"T","code":"VPC.1","message":"m","detail":""},"request_id":"r"}"#,
                "VPC.1",
                "m",
            ),
            // Keystone and ECS.
            (
                401,
                r#"{"error":{"code":401,"message":"wrong","title":"Unauthorized"},"request_id":"r"}"#,
                "401",
                "wrong",
            ),
            (400, r#"{"error":{"code":"Ecs.0005","message":"bad"},"request_id":"r"}"#, "Ecs.0005", "bad"),
        ] {
            assert_eq!(parsed(status, body), (code.to_owned(), message.to_owned(), Some("r".to_owned())), "{body}");
        }
    }

    #[test]
    fn without_an_envelope_status_and_body_are_all_there_is() {
        assert_eq!(parsed(502, "<html>"), ("502".to_owned(), "<html>".to_owned(), Some("from-header".to_owned())));
        assert_eq!(parsed(500, "").1, "the answer has no body");
        assert_eq!(parsed(500, r#"{"message":"half"}"#).1, "half");
        assert_eq!(parsed(500, &"é".repeat(999)).1.chars().count(), MAX_RAW);
        assert_eq!(parsed(500, "[1]").0, "500");
    }

    /// Both members of a pair must be present.
    #[test]
    fn half_a_pair_does_not_count() {
        let body = r#"{"code":"outer","inner":{"error_code":"A","error_msg":"b"}}"#;
        assert_eq!(parsed(400, body).0, "A");
    }
}
