//! STUB until the API lands.
use crate::{
    kit::Ctx,
    payments::notices::{RefusedCount, Taken, take},
    runner,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use std::sync::Arc;

pub async fn serve(
    ctx: Ctx,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let app = Router::new()
        .route("/notices/{bank}/{id}", post(notice))
        .with_state((ctx.clone(), Arc::new(RefusedCount::default())));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let jobs = tokio::spawn(runner::run_until(ctx, Arc::default(), async {
        let _ = stopped.await;
    }));
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await?;
    let _ = stop.send(());
    let _ = jobs.await;
    Ok(())
}
async fn notice(
    State((ctx, count)): State<(Ctx, Arc<RefusedCount>)>,
    Path((bank, id)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    match take(&ctx, &count, &bank, &id, body.to_vec()).await {
        Ok(Taken::Kept) => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    }
}
