//! Signal processing that stages and models share. Each formula names its source.

pub(crate) mod delay;
pub(crate) mod fifo;
pub(crate) mod grid;
pub(crate) mod real;
pub(crate) mod stft;
