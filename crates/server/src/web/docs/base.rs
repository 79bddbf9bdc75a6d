//! What the OpenAPI document says about the API as a whole.

use utoipa::openapi::{
    Components, Info, OpenApi, OpenApiBuilder, Tag,
    security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};

const ABOUT: &str = "\
Accept payments through your bank: make a payment, send the payer to `pay_url`, hear what became \
of it.

* **Keys**: send `Authorization: Bearer kpk_…`; `kopeck keys create` makes a key.
* **Money**: rubles as text (`\"5000.00\"`) or whole kopecks. Numbers are read digit by digit, \
never as floats.
* **Idempotency-Key**: remembered for ever. The same key and body give the same bytes and one \
payment, one capture, one refund; another body with the same key is refused. Only refusals that \
saved nothing and answers of 500 and above are not remembered: mended, the request may come again.
* **Errors**: one shape, `{\"error\": {code, message, hint, param, request_id}}`. Branch on `code`.
* **Lists**: `limit` and `starting_after`; the reply has `has_more` and `next_cursor`.
* **Time**: UTC, ISO 8601.
* **Silence is no failure**: when a bank is slow the answer comes within 4 seconds with what is \
known, and Kopeck goes on asking the bank until it knows.";

/// The document without its routes.
pub fn base() -> OpenApi {
    let info = Info::builder()
        .title("Kopeck")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .build();
    let mut components = Components::new();
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("kpk_…")
        .description(Some("An API key of the shop."))
        .build();
    components.add_security_scheme("api_key", SecurityScheme::Http(bearer));
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>("api_key", [])]))
        .tags(Some([
            tag("payments", "Payments, captures, refunds and their story."),
            tag("desks", "Cash desks: one printed code, armed with a sum for each sale."),
            tag("places", "Codes that are paid again and again, and invoices that companies pay."),
            tag("customers", "Bank accounts that customers saved, to be charged again."),
            tag("subscriptions", "Plans, subscriptions, and what a customer may use."),
            tag("events", "What happened, in its order."),
            tag("webhooks", "Who is told of what happened, and what became of it."),
            tag("shop", "The shop behind the key."),
        ]))
        .build()
}

fn tag(name: &str, about: &str) -> Tag {
    TagBuilder::new().name(name).description(Some(about)).build()
}
