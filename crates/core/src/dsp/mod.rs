//! Signal processing that models share. Each formula names its source.

pub(crate) mod stft;
