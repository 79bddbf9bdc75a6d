//! Reading a request's body up to a limit.

use std::{future::poll_fn, pin::Pin, time::Duration};

use axum::body::{Body, HttpBody as _};

use super::{ApiError, codes};

/// What comes beyond the limit is read and thrown away up to here, so that an honest client hears
/// the 413 and not a reset connection.
const DISCARD_BYTES: usize = 8 * 1024 * 1024;

/// The whole body, or an error that says why not.
pub async fn read(mut body: Body, limit: usize, wait: Duration) -> Result<Vec<u8>, ApiError> {
    let reading = tokio::time::timeout(wait, collect(&mut body, limit));
    reading.await.unwrap_or_else(|_| Err(ApiError::of(codes::BODY_TIMEOUT)))
}

async fn collect(body: &mut Body, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut kept = Vec::new();
    let mut seen = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| ApiError::of(codes::BODY_TIMEOUT))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > DISCARD_BYTES {
            break;
        }
        if seen <= limit {
            kept.extend_from_slice(&data);
        }
    }
    if seen > limit {
        let message = format!("The body is larger than {limit} bytes.");
        return Err(ApiError::new(codes::BODY_TOO_LARGE, message));
    }
    Ok(kept)
}
