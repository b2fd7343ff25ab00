//! Fills a call with clients that send recorded frames, encrypted as the page does.
//!
//! Each client is a member of the group, with keys of its own, and publishes at the media server; it receives nothing. So a
//! machine that cannot run fifty browsers can show what fifty people cost those that it runs.

mod client;
mod janus;
mod recording;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;

use crate::{
    client::{Client, Place, Turns},
    recording::Recording,
};

/// Joins a call as many participants, until it is stopped.
#[derive(Parser)]
struct Options {
    /// The call's link, as the page copies it; somebody has to be in the call.
    link: String,
    /// How many participants.
    #[arg(long, default_value_t = 10)]
    count: usize,
    /// Their voices: Opus in Ogg.
    #[arg(long)]
    voice: PathBuf,
    /// Their cameras: VP8 in IVF, with a key frame every second or so.
    #[arg(long)]
    camera: Option<PathBuf>,
    /// How many of them speak at a time; the others are muted. Default: all.
    #[arg(long)]
    speaking: Option<usize>,
    /// These speak one after the other, for so many seconds each. Default: all the time.
    #[arg(long)]
    turns: Option<f64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let place = Place::parse(&options.link)?;
    let voice = Arc::new(Recording::ogg(&options.voice)?);
    let camera = options.camera.as_deref().map(Recording::ivf).transpose()?.map(Arc::new);
    let speaking = options.speaking.unwrap_or(options.count);
    let length = options.turns.map(Duration::try_from_secs_f64).transpose().context("--turns")?;
    let turns = length.map(|length| Turns::new(length, speaking));
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..options.count {
        let voice = (number < speaking).then(|| voice.clone());
        let client = Client::new(&place, number, voice, camera.clone(), turns);
        clients.spawn(async move { client.run().await.with_context(|| format!("participant {number}")) });
        // All at once would be one commit; one after another would be as many. People come in small groups.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(())
}
