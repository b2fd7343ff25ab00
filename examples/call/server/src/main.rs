//! Serves the page of a call, delivers its sealed messages in order, and runs the media server.
//!
//! What passes through here is sealed between the participants: the server knows who is online in which room, and no more.

mod janus;
mod mailbox;
mod proxy;
mod rooms;
mod site;

use std::{future::IntoFuture, net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use axum::{Router, routing::get};
use clap::Parser;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{janus::Janus, rooms::Rooms};

/// Serves calls at the address given.
#[derive(Parser)]
struct Options {
    /// Where to listen. Browsers give cameras to https and to localhost only: elsewhere, put a TLS proxy in front.
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The folder that build.sh makes.
    #[arg(long, default_value = "page/dist")]
    page: PathBuf,
    /// The media server's program.
    #[arg(long, default_value = "janus")]
    janus: PathBuf,
    /// The port of the media server's WebSocket, on this machine only.
    #[arg(long, default_value_t = 8188)]
    janus_port: u16,
    /// What the media server asks of those who make rooms; default: a random one.
    #[arg(long, env = "JANUS_ADMIN_KEY", hide_env_values = true)]
    janus_key: Option<String>,
}

/// What all requests share.
#[derive(Clone)]
struct Call {
    rooms: Arc<Rooms>,
    janus: Janus,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    anyhow::ensure!(
        options.page.join("index.html").is_file(),
        "{} has no page; run ./build.sh first, or name its folder with --page",
        options.page.display()
    );
    let key = options.janus_key.map_or_else(|| rooms::random_name(32), Ok)?;
    let janus = Janus::start(&options.janus, options.janus_port, key)?;
    let call = Call { rooms: Arc::new(Rooms::new(janus.clone())), janus: janus.clone() };
    let app = Router::new()
        .route("/mailbox", get(mailbox::open))
        .route("/media", get(proxy::open))
        .merge(site::routes(&options.page))
        .with_state(call);
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    say(&format!("http://{}/ begins a call", listener.local_addr()?));
    // Calls last, and their connections with them: the end does not wait for those.
    tokio::select! {
        result = axum::serve(listener, app).into_future() => result?,
        result = told_to_stop() => result?,
    }
    janus.stop().await;
    Ok(())
}

async fn told_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// The program's only output.
fn say(line: &str) {
    use std::io::Write;
    // Nobody reads it any more? Then it is not needed.
    let _ = writeln!(std::io::stdout(), "{line}");
}
