//! The page's files, and what browsers are told about them.

use std::path::Path;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get_service, post},
};
use tower_http::{
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeaderLayer,
};

use crate::{Call, rooms};

/// The page loads nothing from elsewhere, runs nothing that is not in its files, and is shown in no other page.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; \
    img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/` and `/r/ROOM` are the page; it asks for a new room where there is none.
pub(crate) fn routes(page: &Path) -> Router<Call> {
    let index = ServeFile::new(page.join("index.html"));
    Router::new()
        .route("/", get_service(index.clone()))
        .route("/r/{room}", get_service(index))
        .route("/rooms", post(new_room))
        .fallback_service(ServeDir::new(page).append_index_html_on_directories(false))
        .layer(told(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(told(header::REFERRER_POLICY, "no-referrer"))
        .layer(told(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(told(header::CACHE_CONTROL, "no-cache"))
}

fn told(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// A room is a name that nobody guesses. Its secret is made by the page.
async fn new_room() -> Response {
    match rooms::random_name(16) {
        Ok(room) => room.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
