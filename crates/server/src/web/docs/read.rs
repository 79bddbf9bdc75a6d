//! Reads the OpenAPI document into what the page shows.

use serde_json::{Map, Value};

use super::samples::{self, Sample};

/// A row of a table: a field or a parameter.
pub struct Field {
    pub name: String,
    pub kind: String,
    /// The object of this name is described on the same page.
    pub link: Option<String>,
    pub is_required: bool,
    pub about: String,
    pub example: String,
}

pub struct Endpoint {
    pub id: String,
    pub verb: String,
    pub path: String,
    pub title: String,
    pub about: String,
    pub params: Vec<Field>,
    pub body: Vec<Field>,
    /// Status, meaning, and the object that comes with it.
    pub replies: Vec<Field>,
    pub samples: Vec<Sample>,
}

pub struct Object {
    pub name: String,
    pub about: String,
    pub fields: Vec<Field>,
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or("").replace('`', "")
}

fn object<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The name at the end of a `$ref`, also inside `oneOf` and `items`.
fn find_ref(schema: &Value) -> Option<String> {
    let of = |value: &Value| {
        let path = value.get("$ref")?.as_str()?;
        path.rsplit('/').next().map(str::to_owned)
    };
    of(schema)
        .or_else(|| schema.get("items").and_then(find_ref))
        .or_else(|| list(schema, "oneOf").find_map(find_ref))
}

fn kind(schema: &Value) -> String {
    let word = match schema.get("type") {
        Some(Value::String(word)) => word.clone(),
        Some(Value::Array(words)) => {
            let words = words.iter().filter_map(Value::as_str);
            words.collect::<Vec<_>>().join(" | ")
        }
        Some(_) | None => String::new(),
    };
    if word.starts_with("array") {
        let item = schema.get("items").map(kind).unwrap_or_default();
        return format!("{word} {item}").trim().to_owned();
    }
    if word.is_empty() && find_ref(schema).is_some() { "object".to_owned() } else { word }
}

fn example(schema: &Value) -> Option<&Value> {
    schema.get("example").or_else(|| list(schema, "examples").next())
}

fn field(name: &str, schema: &Value, is_required: bool, about: String) -> Field {
    let example = example(schema);
    Field {
        name: name.to_owned(),
        kind: kind(schema),
        link: find_ref(schema),
        is_required,
        about: if about.is_empty() { text(schema, "description") } else { about },
        example: example.map(Value::to_string).unwrap_or_default(),
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let parts = std::iter::once(schema).chain(list(schema, "allOf"));
    parts
        .flat_map(|part| {
            let required: Vec<&str> = list(part, "required").filter_map(Value::as_str).collect();
            object(part, "properties")
                .map(|(name, schema)| {
                    field(name, schema, required.contains(&name.as_str()), String::new())
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

pub fn objects(document: &Value) -> Vec<Object> {
    let components = document.get("components").unwrap_or(&Value::Null);
    object(components, "schemas")
        .map(|(name, schema)| Object {
            name: name.clone(),
            about: text(schema, "description"),
            fields: fields(schema),
        })
        .collect()
}

pub fn endpoints(document: &Value, public_url: &str) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for (path, item) in object(document, "paths") {
        for (verb, operation) in item.as_object().into_iter().flat_map(Map::iter) {
            if ["get", "post", "put", "patch", "delete"].contains(&verb.as_str()) {
                found.push(endpoint(document, public_url, (verb, path), operation));
            }
        }
    }
    found
}

fn endpoint(
    document: &Value,
    public_url: &str,
    (verb, path): (&str, &str),
    operation: &Value,
) -> Endpoint {
    let params = list(operation, "parameters").map(|param| {
        let required = param.get("required").and_then(Value::as_bool).unwrap_or(false);
        let schema = param.get("schema").unwrap_or(&Value::Null);
        field(&text(param, "name"), schema, required, text(param, "description"))
    });
    let content = |value: &Value| value.pointer("/content/application~1json/schema").cloned();
    let body = operation.get("requestBody").and_then(content).and_then(|s| find_ref(&s));
    let body = body.and_then(|name| document.pointer(&format!("/components/schemas/{name}")));
    let body_fields = body.map(fields).unwrap_or_default();
    let replies = object(operation, "responses").map(|(status, reply)| {
        let schema = content(reply).unwrap_or_default();
        field(status, &schema, false, text(reply, "description"))
    });
    let id = text(operation, "operationId");
    Endpoint {
        verb: verb.to_uppercase(),
        path: path.to_owned(),
        title: text(operation, "summary"),
        about: text(operation, "description"),
        params: params.collect(),
        replies: replies.collect(),
        samples: samples::all(public_url, verb, path, samples::body(&id, body).as_ref()),
        id,
        body: body_fields,
    }
}
