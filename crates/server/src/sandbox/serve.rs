//! The port: bytes of HTTP to the emulators' plain values and back.
//!
//! The banks' paths are passed on exactly as they came, `%2F` and all; everything else is the page
//! at `/` and the controls under `/_control`.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use kopeck_banks::http::{HttpReply, HttpRequest, Method};
use tokio::net::TcpListener;

use super::{
    control,
    control::guard,
    cut::{CutListener, Peer},
    host::{Answer, Sandbox},
    page,
};

/// No bank takes requests anywhere near this size.
const MAX_BODY_BYTES: usize = 1 << 20;
/// How long replies under way may take once the sandbox is told to stop.
const MAX_FAREWELL: Duration = Duration::from_secs(3);

/// Serves `sandbox` until `shutdown` resolves, and carries its notices. `pages` are others' that
/// stand beside its own.
pub async fn serve(
    sandbox: Arc<Sandbox>,
    listener: TcpListener,
    pages: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    // A sandbox that cannot save should say so now, not at the first payment.
    sandbox.save().await?;
    let people = Router::new()
        .route("/", get(page::show))
        .route("/sandbox", get(page::show))
        .merge(control::routes())
        .layer(middleware::from_fn_with_state(sandbox.clone(), guard));
    let app = people.fallback(bank).with_state(sandbox.clone()).merge(pages);
    let service = app.into_make_service_with_connect_info::<Peer>();
    let stopping = {
        let sandbox = sandbox.clone();
        async move {
            shutdown.await;
            sandbox.close();
        }
    };
    let server = axum::serve(CutListener(listener), service).with_graceful_shutdown(stopping);
    let carrier = tokio::spawn(sandbox.clone().carry_notices());
    let late = async {
        sandbox.closed().await;
        tokio::time::sleep(MAX_FAREWELL).await;
    };
    tokio::select! {
        ended = server => ended?,
        () = late => tracing::warn!("some connections were cut: they did not end in time"),
    }
    sandbox.close();
    carrier.await?
}

async fn bank(
    State(sandbox): State<Arc<Sandbox>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let request = match read(request).await {
        Ok(request) => request,
        Err(status) => return status.into_response(),
    };
    match sandbox.answer(request).await {
        Answer::Reply(reply) => write(reply),
        Answer::Silence { hold } => {
            tokio::select! {
                () = tokio::time::sleep(hold) => {}
                () = sandbox.closed() => {}
            }
            peer.cut();
            // Never written: see `cut`.
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

async fn read(request: Request) -> Result<HttpRequest, StatusCode> {
    let (parts, body) = request.into_parts();
    let method = Method::parse(parts.method.as_str()).ok_or(StatusCode::METHOD_NOT_ALLOWED)?;
    let url = parts.uri.path_and_query().map_or("/", |raw| raw.as_str());
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let mut call = HttpRequest::new(method, url);
    for (name, value) in &parts.headers {
        // Header names are lower case in the `http` crate already.
        call = call.header(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
    }
    call.body = body.into();
    Ok(call)
}

fn write(reply: HttpReply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value);
        let (Ok(name), Ok(value)) = (name, value) else { continue };
        // The server frames the body itself.
        let is_framing = name == header::CONTENT_LENGTH
            || name == header::TRANSFER_ENCODING
            || name == header::CONNECTION;
        if !is_framing {
            response.headers_mut().append(name, value);
        }
    }
    response
}
