//! Each request as somebody may paste it: curl, Python, Node, PHP, by what each language has of its
//! own. A test runs them. Nothing here knows a key: it is taken from the environment.

use serde_json::{Map, Value};

pub struct Sample {
    pub language: &'static str,
    pub code: String,
}

/// What a body says where its required fields alone are no request.
const BODIES: [(&str, &str); 8] = [
    ("create_payment", r#"{"amount": "5000.00", "purpose": "Заказ 4711", "order_id": "4711"}"#),
    ("create_refund", r#"{"amount": "1000.00", "reason": "Вернули один товар"}"#),
    ("create_place", r#"{"name": "Стойка"}"#),
    ("create_webhook", r#"{"url": "https://shop.example.ru/kopeck", "events": ["payment.*"]}"#),
    ("change_webhook", r#"{"enabled": true}"#),
    ("send_payment", r#"{"to": "email:buyer@example.ru"}"#),
    ("cancel_subscription", r#"{"when": "period_end"}"#),
    ("put_routing", r#"{"order": ["tochka", "tbank"]}"#),
];

/// The body to send: of the table, else what is required, by the document's own examples.
pub fn body(id: &str, schema: Option<&Value>) -> Option<Value> {
    let schema = schema?;
    if let Some((_, text)) = BODIES.iter().find(|(known, _)| *known == id) {
        return serde_json::from_str(text).ok();
    }
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let mut body = Map::new();
    for name in required.iter().filter_map(Value::as_str) {
        let field = &schema["properties"][name];
        let example = field.get("example").or_else(|| field["examples"].get(0));
        let value = example.cloned().unwrap_or_else(|| Value::String("…".to_owned()));
        body.insert(name.to_owned(), value);
    }
    Some(Value::Object(body))
}

/// A part of an address: as it is, or the name of a variable.
enum Part {
    Text(String),
    Variable(String),
}

/// `/v1/payments/{id}/refunds` as text, variable, text.
fn parts(path: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for (at, piece) in path.split('{').enumerate() {
        let (variable, text) =
            if at == 0 { ("", piece) } else { piece.split_once('}').unwrap_or(("", piece)) };
        if !variable.is_empty() {
            parts.push(Part::Variable(variable.to_uppercase()));
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
    }
    parts
}

fn joined(path: &str, variable: impl Fn(&str) -> String) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Variable(name) => variable(name),
    };
    parts(path).iter().map(part).collect()
}

/// Whether a repeated request has to be known again.
fn has_key(verb: &str) -> bool {
    verb == "post"
}

pub fn all(host: &str, verb: &str, path: &str, body: Option<&Value>) -> Vec<Sample> {
    let body = body.map(|body| serde_json::to_string_pretty(body).unwrap_or_default());
    let body = body.as_deref().filter(|_| verb != "get" && verb != "delete");
    vec![
        Sample { language: "curl", code: curl(host, verb, path, body) },
        Sample { language: "Python", code: python(host, verb, path, body) },
        Sample { language: "Node", code: node(host, verb, path, body) },
        Sample { language: "PHP", code: php(host, verb, path, body) },
    ]
}

fn curl(host: &str, verb: &str, path: &str, body: Option<&str>) -> String {
    let url = joined(path, |name| format!("${name}"));
    let mut lines = vec![format!("curl -X {} \"{host}{url}\"", verb.to_uppercase())];
    lines.push("-H \"Authorization: Bearer $KOPECK_KEY\"".to_owned());
    if has_key(verb) {
        lines.push("-H \"Idempotency-Key: order-4711\"".to_owned());
    }
    if let Some(body) = body {
        lines.push("-H \"Content-Type: application/json\"".to_owned());
        lines.push(format!("-d '{}'", body.replace('\'', "'\\''")));
    }
    lines.join(" \\\n  ")
}

fn python(host: &str, verb: &str, path: &str, body: Option<&str>) -> String {
    let url = joined(path, |name| format!("{{os.environ['{name}']}}"));
    let mut lines = vec![
        "import json, os, urllib.request".to_owned(),
        String::new(),
        "request = urllib.request.Request(".to_owned(),
        format!("    f\"{host}{url}\","),
        format!("    method=\"{}\",", verb.to_uppercase()),
        "    headers={".to_owned(),
        "        \"Authorization\": \"Bearer \" + os.environ[\"KOPECK_KEY\"],".to_owned(),
        "        \"Content-Type\": \"application/json\",".to_owned(),
    ];
    if has_key(verb) {
        lines.push("        \"Idempotency-Key\": \"order-4711\",".to_owned());
    }
    lines.push("    },".to_owned());
    if let Some(body) = body {
        lines.push(format!("    data='''{body}'''.encode(),"));
    }
    lines.extend([
        ")".to_owned(),
        "with urllib.request.urlopen(request) as reply:".to_owned(),
        "    print(json.dumps(json.load(reply), ensure_ascii=False, indent=2))".to_owned(),
    ]);
    lines.join("\n")
}

fn node(host: &str, verb: &str, path: &str, body: Option<&str>) -> String {
    let url = joined(path, |name| format!("${{process.env.{name}}}"));
    let mut lines = vec![
        format!("const reply = await fetch(`{host}{url}`, {{"),
        format!("  method: \"{}\",", verb.to_uppercase()),
        "  headers: {".to_owned(),
        "    Authorization: `Bearer ${process.env.KOPECK_KEY}`,".to_owned(),
        "    \"Content-Type\": \"application/json\",".to_owned(),
    ];
    if has_key(verb) {
        lines.push("    \"Idempotency-Key\": \"order-4711\",".to_owned());
    }
    lines.push("  },".to_owned());
    if let Some(body) = body {
        lines.push(format!("  body: JSON.stringify({body}),"));
    }
    lines.extend([
        "});".to_owned(),
        "console.log(JSON.stringify(await reply.json(), null, 2));".to_owned(),
    ]);
    lines.join("\n")
}

fn php(host: &str, verb: &str, path: &str, body: Option<&str>) -> String {
    let url = joined(path, |name| format!("\" . getenv(\"{name}\") . \""));
    let url = format!("\"{host}{url}\"");
    let url = url.strip_suffix(" . \"\"").unwrap_or(&url).to_owned();
    let mut lines = vec![
        "<?php".to_owned(),
        format!("$reply = file_get_contents({url}, false, stream_context_create(['http' => ["),
        format!("    'method' => '{}',", verb.to_uppercase()),
        "    'header' => [".to_owned(),
        "        'Authorization: Bearer ' . getenv('KOPECK_KEY'),".to_owned(),
        "        'Content-Type: application/json',".to_owned(),
    ];
    if has_key(verb) {
        lines.push("        'Idempotency-Key: order-4711',".to_owned());
    }
    lines.push("    ],".to_owned());
    if let Some(body) = body {
        let body = body.replace('\\', "\\\\").replace('\'', "\\'");
        lines.push(format!("    'content' => '{body}',"));
    }
    lines.extend([
        "]]));".to_owned(),
        "echo json_encode(json_decode($reply), JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE);"
            .to_owned(),
    ]);
    lines.join("\n")
}
