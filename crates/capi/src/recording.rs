//! A whole recording in one call.

use std::ffi::c_char;

use engine::{DenoiseError, denoise};

use crate::block::{self, samples, slice, slice_mut};
use crate::config::sourdine_config;
use crate::status::{Message, catch_panic, sourdine_status};

/// Denoises a whole recording: `frames` interleaved frames in +-1.0. `output` gets as many, aligned with the input: the
/// latency is taken out. It may be `input`. Otherwise the bits are those of a stream in real time; `fixed_block` and
/// `light_model` make no difference. `message` is as in sourdine_engine_create().
///
/// Threads: any. Real time: no, it allocates three times the recording, and works through it before it returns.
///
/// # Safety
/// `config` is null or points to as many bytes as its size field says, with models that are null or this library's;
/// `input` and `output` are null or point to `frames` times the channels; `message` is null or points to
/// `message_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_denoise_interleaved_f32(
    config: *const sourdine_config,
    input: *const f32,
    output: *mut f32,
    frames: usize,
    message: *mut c_char,
    message_size: usize,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises. The input is no longer looked at when the output is written.
        unsafe {
            let message = Message::new(message, message_size);
            let config = sourdine_config::read(config, &message)?;
            let format = config.format();
            let count = samples::<f32>(frames, format.channels)?;
            if count > 0 {
                block::check(output)?;
            }
            let model = config.model();
            let clean = denoise(slice(input, count)?, format, &config.settings(), &model).map_err(
                |error| match error {
                    DenoiseError::Config(error) => message.of(&error),
                    DenoiseError::Block(error) => error.into(),
                    _ => sourdine_status::INTERNAL,
                },
            )?;
            slice_mut(output, count)?.copy_from_slice(&clean);
        }
        Ok(())
    })
}
