//! An OpenAPI document as a judge of requests and replies. Knows no bank.
//!
//! It is read more strictly than it was written: an object may have no field that the document does
//! not name, so that a misspelt optional field is found, and formats are checked.

use std::collections::BTreeMap;

use jsonschema::{Registry, ValidationError, Validator, error::ValidationErrorKind};
use kopeck_banks::http::{HttpReply, HttpRequest, percent_decode};
use serde_json::{Value, json};

/// The document's own address inside the registry of schemas; nothing is fetched from it.
const HOME: &str = "https://bank.invalid/openapi.json";
/// The parts of an operation's reply that are bodies of JSON.
const JSON: &str = "application/json";

pub struct Document {
    /// Longest templates last, so that indexes follow the document.
    pub operations: Vec<Operation>,
    validators: BTreeMap<String, Validator>,
}

pub struct Operation {
    /// `POST`
    pub method: String,
    /// `/acquiring/v1.0/payments/{operationId}`
    pub path: String,
    parameters: Vec<Parameter>,
    /// Whether it is required, and its schema if it is JSON.
    body: Option<(bool, Option<String>)>,
    /// Kinds of replies, by status.
    replies: BTreeMap<u16, Reply>,
}

/// The media type of a reply, and its schema if it is JSON.
struct Reply {
    media: String,
    schema: Option<String>,
}

struct Parameter {
    name: String,
    place: String,
    is_required: bool,
    schema: String,
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn declares(&self, status: u16) -> bool {
        self.replies.contains_key(&status)
    }
}

impl Document {
    /// `named`: schemas of the document that no operation's body is, to be judged by their names.
    pub fn parse(text: &str, named: &[&str]) -> Document {
        let mut root: Value = serde_json::from_str(text).unwrap();
        forbid_unnamed_fields(&mut root);
        let mut operations = Vec::new();
        for (path, methods) in root["paths"].as_object().unwrap() {
            // Beside its methods a path may name its servers.
            let methods = methods.as_object().unwrap().iter().filter(|(key, _)| *key != "servers");
            for (method, operation) in methods {
                let place = format!("/paths/{}/{method}", path.replace('/', "~1"));
                operations.push(read_operation(method, path, operation, &place));
            }
        }
        let registry = Registry::new().add(HOME, root).unwrap().prepare().unwrap();
        let mut validators = BTreeMap::new();
        let named = named.iter().map(|name| place_of_named(name));
        for schema in operations.iter().flat_map(schemas).cloned().chain(named) {
            validators.entry(schema.clone()).or_insert_with(|| {
                jsonschema::options()
                    .with_registry(&registry)
                    .should_validate_formats(true)
                    .build(&json!({ "$ref": format!("{HOME}#{}", fragment(&schema)) }))
                    .unwrap_or_else(|e| panic!("{schema}: {e}"))
            });
        }
        Document { operations, validators }
    }

    /// The operation of a method and a path below the server's own, and its path parameters.
    pub fn find(&self, method: &str, path: &str) -> Option<(&Operation, BTreeMap<String, String>)> {
        let fitting = self.operations.iter().filter(|operation| operation.method == method);
        fitting.filter_map(|one| Some((one, match_path(&one.path, path)?))).next()
    }

    /// What the document has against a request; `path` as for [`Document::find`].
    pub fn judge_request(
        &self,
        operation: &Operation,
        request: &HttpRequest,
        in_path: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let query: BTreeMap<String, String> = request.query().into_iter().collect();
        for parameter in &operation.parameters {
            let value = match parameter.place.as_str() {
                "query" => query.get(&parameter.name).cloned(),
                "path" => in_path.get(&parameter.name).cloned(),
                "header" => request.find_header(&parameter.name).map(str::to_owned),
                other => panic!("a parameter in {other}"),
            };
            match value {
                None if parameter.is_required => {
                    faults.push(format!("the parameter {} is missing", parameter.name));
                }
                None => {}
                Some(text) => faults.extend(self.judge_parameter(&parameter.schema, &text)),
            }
        }
        let is_named = |name: &str| {
            operation.parameters.iter().any(|known| known.place == "query" && known.name == name)
        };
        let strange = query.keys().filter(|name| !is_named(name));
        faults.extend(strange.map(|name| format!("the document has no parameter {name}")));
        faults.extend(self.judge_request_body(operation, request));
        faults
    }

    fn judge_request_body(&self, operation: &Operation, request: &HttpRequest) -> Vec<String> {
        match &operation.body {
            None if request.body.is_empty() => Vec::new(),
            None => vec!["the document knows no body here".to_owned()],
            Some((false, _)) if request.body.is_empty() => Vec::new(),
            Some((_, Some(schema))) if request.find_header("content-type") == Some(JSON) => {
                self.judge_json(schema, &request.body)
            }
            Some(_) => vec!["the content type is not JSON".to_owned()],
        }
    }

    /// What the document has against a reply whose status it declares.
    pub fn judge_reply(&self, operation: &Operation, reply: &HttpReply) -> Vec<String> {
        let known = &operation.replies[&reply.status];
        if reply.find_header("content-type") != Some(&known.media) {
            return vec![format!("the content type is not {}", known.media)];
        }
        match &known.schema {
            Some(schema) => self.judge_json(schema, &reply.body),
            None => Vec::new(),
        }
    }

    /// What one of the schemas named to [`Document::parse`] has against a body.
    pub fn judge_named(&self, name: &str, body: &[u8]) -> Vec<String> {
        self.judge_json(&place_of_named(name), body)
    }

    fn judge_json(&self, schema: &str, body: &[u8]) -> Vec<String> {
        match serde_json::from_slice(body) {
            Ok(value) => self.judge(schema, &value),
            Err(e) => vec![format!("not JSON: {e}")],
        }
    }

    /// In a URL a number is text, a boolean too, and so is text.
    fn judge_parameter(&self, schema: &str, text: &str) -> Vec<String> {
        let as_text = self.judge(schema, &json!(text));
        let scalar = serde_json::from_str::<Value>(text).ok();
        let scalar = scalar.filter(|value| value.is_number() || value.is_boolean());
        match scalar.map(|scalar| self.judge(schema, &scalar)) {
            Some(faults) if faults.is_empty() => faults,
            Some(_) | None => as_text,
        }
    }

    fn judge(&self, schema: &str, value: &Value) -> Vec<String> {
        let errors = self.validators[schema].iter_errors(value);
        errors.flat_map(|error| print_error(&error)).collect()
    }
}

/// Of several shapes the one that fits best tells what is wrong; places in lists are stars.
fn print_error(error: &ValidationError<'_>) -> Vec<String> {
    if let ValidationErrorKind::OneOfNotValid { context } = error.kind()
        && let Some(nearest) = context.iter().min_by_key(|errors| errors.len())
    {
        return nearest.iter().flat_map(print_error).collect();
    }
    let place = error.instance_path().to_string();
    let star = |part: &str| match part.parse::<usize>() {
        Ok(_) => "*".to_owned(),
        Err(_) => part.to_owned(),
    };
    let place: Vec<String> = place.split('/').map(star).collect();
    vec![format!("{}: {error}", place.join("/"))]
}

fn place_of_named(name: &str) -> String {
    format!("/components/schemas/{name}")
}

/// Templates have braces, which no URI may have.
fn fragment(place: &str) -> String {
    place.replace('{', "%7B").replace('}', "%7D")
}

fn schemas(operation: &Operation) -> impl Iterator<Item = &String> {
    let of_parameters = operation.parameters.iter().map(|parameter| &parameter.schema);
    let of_body = operation.body.iter().filter_map(|(_, schema)| schema.as_ref());
    let of_replies = operation.replies.values().filter_map(|reply| reply.schema.as_ref());
    of_parameters.chain(of_body).chain(of_replies)
}

fn read_operation(method: &str, path: &str, operation: &Value, place: &str) -> Operation {
    let list = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parameters = list.iter().enumerate().map(|(at, parameter)| Parameter {
        name: parameter["name"].as_str().unwrap().to_owned(),
        place: parameter["in"].as_str().unwrap().to_owned(),
        is_required: parameter["required"] == true,
        schema: format!("{place}/parameters/{at}/schema"),
    });
    let body = operation.get("requestBody").map(|body| {
        let schema = schema_place(&body["content"], &format!("{place}/requestBody/content"));
        (body["required"] == true, schema)
    });
    let replies =
        operation["responses"].as_object().unwrap().iter().filter_map(|(status, reply)| {
            let place = format!("{place}/responses/{status}/content");
            let media = reply["content"].as_object()?.keys().next()?.clone();
            let schema = schema_place(&reply["content"], &place);
            Some((status.parse().ok()?, Reply { media, schema }))
        });
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        parameters: parameters.collect(),
        body,
        replies: replies.collect(),
    }
}

/// Where the schema of a JSON body stands; a reference is followed once, so that a schema shared by
/// all operations is compiled once. `None` for bodies of another kind, such as PDF.
fn schema_place(content: &Value, place: &str) -> Option<String> {
    let schema = content.get(JSON)?.get("schema")?;
    Some(match schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) {
        Some(place) => place.to_owned(),
        None => format!("{place}/application~1json/schema"),
    })
}

/// The values of the template's parameters, decoded.
fn match_path(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (wanted, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let mut values = BTreeMap::new();
    for (wanted, given) in wanted.iter().zip(&given) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => drop(values.insert(name.to_owned(), percent_decode(given))),
            None if wanted == given => {}
            None => return None,
        }
    }
    (wanted.len() == given.len()).then_some(values)
}

/// No object that we send or hear is made by `allOf`, so its fields are all in one place.
fn forbid_unnamed_fields(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object)
                && fields.get("type").is_some_and(|kind| kind == "object")
            {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            // Of the parts of a whole, each would forbid the others.
            let inner = fields.iter_mut().filter(|(key, _)| *key != "allOf");
            inner.for_each(|(_, value)| forbid_unnamed_fields(value));
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_unnamed_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
