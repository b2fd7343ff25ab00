//! Measures how close a signal is to a reference: SI-SDR, segmental SNR, STOI, log-spectral distance and delay.
//!
//! Each measure has a file of its own that names its paper. Signals are mono; `None` stands where there is too little to
//! measure. [`PowerSpectrum`] is what they share.
#![forbid(unsafe_code)]

mod delay;
mod lsd;
mod resample;
mod segsnr;
mod sisdr;
mod spectrum;
mod stoi;

pub use delay::{gcc_phat, strongest_lag};
pub use lsd::log_spectral_distance_db;
pub use segsnr::segmental_snr_db;
pub use sisdr::si_sdr_db;
pub use spectrum::PowerSpectrum;
pub use stoi::stoi;
