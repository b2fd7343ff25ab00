//! Model files: no bytes may panic or take more memory than is allowed (`-rss_limit_mb`), and what is loaded runs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sourdine::{Channels, Model};

fuzz_target!(|data: &[u8]| match Model::from_bytes("fuzz", data) {
    Err(error) => assert!(!error.to_string().is_empty()),
    Ok(model) => {
        let mut denoiser = model.denoiser(2, Channels::Linked);
        for frame in 0..20 {
            let mut samples = [0.9_f32; 960];
            let period = 3 + 40 * frame;
            samples.iter_mut().enumerate().for_each(|(at, x)| *x *= if at / period % 2 == 0 { 1.0 } else { -1.0 });
            let probability = denoiser.process(&mut samples);
            assert!((0.0..=1.0).contains(&probability) && samples.iter().all(|x| x.is_finite()));
        }
    }
});
