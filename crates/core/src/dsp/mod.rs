//! Signal processing that models share. Each formula names its source.

pub(crate) mod period;
pub(crate) mod real;
pub(crate) mod stft;
