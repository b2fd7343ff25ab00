/* libsourdine: takes the noise out of voice, in real time.
 *
 * Every function returns a status, has no global state, and never throws, panics or aborts. A call that does not
 * return SOURDINE_STATUS_OK left everything unchanged. "Threads" says from which threads a function may be called,
 * "Real time: yes" that it neither allocates nor frees, locks, waits or calls the system. C++ has sourdine.hpp.
 */

#ifndef SOURDINE_H
#define SOURDINE_H

/* Made from crates/capi/src by cbindgen (crates/capi/tests/header.rs); change it there. */

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this interface. Do not use a library with another one; structures that grow keep it.
 */
#define SOURDINE_ABI_VERSION 1

/**
 * The result of a call. Anything but SOURDINE_STATUS_OK left everything unchanged.
 */
enum sourdine_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done.
   */
  SOURDINE_STATUS_OK = 0,
  /**
   * A pointer is NULL that must not be.
   */
  SOURDINE_STATUS_NULL = 1,
  /**
   * A structure's `size` is unknown to this library, or a newer caller set a field that it lacks.
   */
  SOURDINE_STATUS_SIZE = 2,
  /**
   * A pointer is not aligned for what it points to.
   */
  SOURDINE_STATUS_ALIGNMENT = 3,
  /**
   * Buffers overlap without being the same.
   */
  SOURDINE_STATUS_OVERLAP = 4,
  /**
   * The block's length does not fit the stream, or no memory can be that long.
   */
  SOURDINE_STATUS_LENGTH = 5,
  /**
   * The stream was finished; reset starts it again.
   */
  SOURDINE_STATUS_FINISHED = 6,
  /**
   * The sample rate is outside 8000 to 192000 Hz, or shares no short grid with 48000 Hz.
   */
  SOURDINE_STATUS_SAMPLE_RATE = 7,
  /**
   * The number of channels is not 1 to 8.
   */
  SOURDINE_STATUS_CHANNELS = 8,
  /**
   * A setting is out of its range.
   */
  SOURDINE_STATUS_SETTING = 9,
  /**
   * No such built-in model, or bytes that are not a valid model.
   */
  SOURDINE_STATUS_MODEL = 10,
  /**
   * The model's delay is larger than the stream was made for.
   */
  SOURDINE_STATUS_MODEL_LATENCY = 11,
  /**
   * Another thread is inside this object.
   */
  SOURDINE_STATUS_BUSY = 12,
  /**
   * A defect of the library, caught before it reached the caller.
   */
  SOURDINE_STATUS_INTERNAL = 13,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum sourdine_status sourdine_status;
#else
typedef int32_t sourdine_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The state of a stream: whether it is denoised, and if not, why.
 */
enum sourdine_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * No frame has been processed yet.
   */
  SOURDINE_STATE_IDLE = 0,
  /**
   * Denoising.
   */
  SOURDINE_STATE_DENOISING = 1,
  /**
   * Switched off: passes the input through, with the same latency.
   */
  SOURDINE_STATE_OFF = 2,
  /**
   * Music or a shared screen: passes the input through, with the same latency.
   */
  SOURDINE_STATE_PASSTHROUGH = 3,
  /**
   * The attenuation limit is 0 dB: passes the input through, with the same latency.
   */
  SOURDINE_STATE_NO_ATTENUATION = 4,
  /**
   * Deadlines were missed: passes the input through, with the same latency, until there is time again.
   */
  SOURDINE_STATE_OVERLOAD = 5,
  /**
   * The model's output was not finite and it was restarted; meanwhile passes the input through.
   */
  SOURDINE_STATE_MODEL_FAULT = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum sourdine_state sourdine_state;
#else
typedef int32_t sourdine_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A handle that controls a running stream. Every change takes effect at the stream's next frame, is faded in over
 * 10 ms, and never changes the latency. The handle may outlive the stream; it then does nothing.
 */
typedef struct sourdine_controls sourdine_controls;

/**
 * Detects voice in a stream without changing it, at a fraction of the cost of denoising: for the far ends
 * of a group call. It belongs to one thread at a time, like sourdine_engine.
 */
typedef struct sourdine_detector sourdine_detector;

/**
 * One stream's denoiser. Returns one output frame for every input frame, exactly sourdine_engine_get_latency()
 * frames later, whatever the lengths of the blocks.
 *
 * It belongs to one thread at a time: a call from a second thread returns SOURDINE_STATUS_BUSY. Other threads use
 * sourdine_controls.
 */
typedef struct sourdine_engine sourdine_engine;

/**
 * A model: weights, shared by any number of streams on any number of threads.
 */
typedef struct sourdine_model sourdine_model;

/**
 * The configuration of a stream. Fill it with sourdine_config_init() first; fields added later then have their defaults.
 */
typedef struct sourdine_config {
  /**
   * sizeof(struct sourdine_config), as sourdine_config_init() leaves it.
   */
  uint32_t size;
  /**
   * Frames per second, 8000 to 192000. Default 48000.
   */
  uint32_t sample_rate;
  /**
   * Channels, 1 to 8. Default 1.
   */
  uint32_t channels;
  /**
   * The length of all blocks in frames, or a divisor of it, which saves latency: 480 adds none at 48 kHz. 0, the
   * default, for blocks of any length, which adds 479 frames there.
   */
  uint32_t fixed_block;
  /**
   * The model; NULL, the default, for the library's default. It may be destroyed once the stream is created.
   */
  const struct sourdine_model *model;
  /**
   * A cheaper model to fall back to when deadlines are missed; NULL, the default, for none.
   */
  const struct sourdine_model *light_model;
  /**
   * The most that any sound is attenuated, in dB: 0 for nothing, INFINITY for no limit. Default 60.
   * With a limit, sound below -60 dBFS is not attenuated to less than -75 dBFS either.
   */
  float attenuation_limit_db;
  /**
   * 0 starts the stream switched off. Default 1.
   */
  uint32_t enabled;
  /**
   * 1 attenuates pauses further by the voice gate. Default 0.
   */
  uint32_t gate;
  /**
   * 1 passes music or a shared screen's sound through untouched. Default 0.
   */
  uint32_t passthrough;
  /**
   * 1 outputs the residue: the removed sound instead of the kept sound. Default 0.
   */
  uint32_t residue;
  /**
   * 1 gives each channel a mask of its own, for channels that carry different microphones. Default 0.
   */
  uint32_t separate_channels;
  /**
   * The gate's attenuation of pauses in dB, 0 to 60. Default 18.
   */
  float gate_depth_db;
  /**
   * Time that the gate stays open after the last sign of voice, in ms, 0 to 5000. Default 250.
   */
  float gate_hold_ms;
  /**
   * Time that the gate takes to close, in ms, 10 to 5000. Default 150.
   */
  float gate_release_ms;
  /**
   * Voice starts at this probability or above, 0 to 1. Default 0.7; with the defaults of the next two fields the decision
   * follows the voice closely. For a speaking light that does not flicker use 0.6, 0.35 and 200 ms.
   */
  float voice_on;
  /**
   * Voice ends below this probability, 0 to voice_on. Default 0.5.
   */
  float voice_off;
  /**
   * Time that the decision outlasts the voice, in ms, 0 to 5000. Default 20.
   */
  float voice_hangover_ms;
  /**
   * The largest delay of models that the stream may be switched to, in samples at 48 kHz. Default 0: the first
   * model's.
   */
  uint32_t model_latency;
  /**
   * 1 limits the output softly to full scale, for blocks of floats that end as integers or on a sound
   * card. Blocks of 16-bit samples are always limited. Default 0: float keeps its headroom.
   */
  uint32_t ceiling;
} sourdine_config;

/**
 * A voice detector's report on the newest frame of 10 ms.
 */
typedef struct sourdine_voice_report {
  /**
   * Set this to sizeof(struct sourdine_voice_report) before the first call.
   */
  uint32_t size;
  /**
   * The decision, with hysteresis and hangover: 1 or 0.
   */
  uint32_t voice;
  /**
   * Probability of voice, 0 to 1.
   */
  float voice_probability;
  /**
   * Level in dBFS.
   */
  float level_dbfs;
} sourdine_voice_report;

/**
 * The report on the newest step of 10 ms. Blocks that complete no step repeat the report before.
 */
typedef struct sourdine_report {
  /**
   * Set this to sizeof(struct sourdine_report) before the first call.
   */
  uint32_t size;
  /**
   * The voice decision, with hysteresis and hangover: 1 or 0.
   */
  uint32_t voice;
  /**
   * The model's voice probability, 0 to 1.
   */
  float voice_probability;
  /**
   * Level before denoising, in dBFS over all channels.
   */
  float input_dbfs;
  /**
   * Level after denoising, in dBFS.
   */
  float output_dbfs;
  /**
   * Attenuation of the step, in dB.
   */
  float attenuation_db;
  /**
   * One of sourdine_state.
   */
  int32_t state;
} sourdine_report;

/**
 * Counters since the stream was created or reset. A frame is 10 ms.
 */
typedef struct sourdine_stats {
  /**
   * Set this to sizeof(struct sourdine_stats).
   */
  uint32_t size;
  /**
   * The stream's state: one of sourdine_state.
   */
  int32_t state;
  /**
   * Frames output, bypassed ones included.
   */
  uint64_t frames;
  /**
   * Frames with voice, by the decision.
   */
  uint64_t voice_frames;
  /**
   * Frames bypassed because the stream was switched off.
   */
  uint64_t bypassed_off;
  /**
   * Frames bypassed as music or a shared screen.
   */
  uint64_t bypassed_passthrough;
  /**
   * Frames bypassed because the attenuation limit was 0 dB.
   */
  uint64_t bypassed_no_attenuation;
  /**
   * Frames bypassed because deadlines were missed.
   */
  uint64_t bypassed_overload;
  /**
   * Frames bypassed because the model failed.
   */
  uint64_t bypassed_model_fault;
  /**
   * Missed deadlines that the caller reported.
   */
  uint64_t deadline_misses;
  /**
   * Input samples that were NaN or infinite; each was replaced with silence.
   */
  uint64_t invalid_samples;
  /**
   * Output samples beyond full scale, which the integer functions saturate.
   */
  uint64_t clipped_samples;
} sourdine_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the version of the interface that the library was built with: compare it with SOURDINE_ABI_VERSION.
 *
 * Threads: any. Real time: yes.
 */
uint32_t sourdine_abi_version(void);

/**
 * Returns the library's version as text, such as "0.1.0". Do not free it.
 *
 * Threads: any. Real time: yes.
 */
const char *sourdine_version(void);

/**
 * Fills a config with the defaults. `size` is sizeof(struct sourdine_config).
 *
 * Threads: any. Real time: yes.
 *
 * Pointers: `config` is null or points to `size` bytes.
 */
sourdine_status sourdine_config_init(struct sourdine_config *config, size_t size);

/**
 * Destroys the handle, not the stream. NULL is allowed.
 *
 * Threads: any. Real time: no, it may free.
 *
 * Pointers: `controls` is null or a handle of this library's that is no longer in use.
 */
void sourdine_controls_destroy(struct sourdine_controls *controls);

/**
 * Switches denoising on (not 0) or off (0); off passes the input through with the same latency.
 *
 * Threads: any, at the same time as everything else. Real time: yes.
 *
 * Pointers: `controls` is null or a handle of this library's.
 */
sourdine_status sourdine_controls_set_enabled(const struct sourdine_controls *controls, int32_t on);

/**
 * Passes music or a shared screen's sound through untouched (not 0), or not (0).
 *
 * Threads: any, at the same time as everything else. Real time: yes.
 *
 * Pointers: `controls` is null or a handle of this library's.
 */
sourdine_status sourdine_controls_set_passthrough(const struct sourdine_controls *controls, int32_t on);

/**
 * Outputs the residue, the removed sound (not 0), or the kept sound (0).
 *
 * Threads: any, at the same time as everything else. Real time: yes.
 *
 * Pointers: `controls` is null or a handle of this library's.
 */
sourdine_status sourdine_controls_set_residue(const struct sourdine_controls *controls, int32_t on);

/**
 * Switches the voice gate on (not 0) or off (0).
 *
 * Threads: any, at the same time as everything else. Real time: yes.
 *
 * Pointers: `controls` is null or a handle of this library's.
 */
sourdine_status sourdine_controls_set_gate(const struct sourdine_controls *controls, int32_t on);

/**
 * Sets the most that any sound is attenuated, in dB: 0 changes nothing, INFINITY is no limit. Refuses a negative
 * number and NaN.
 *
 * Threads: any, at the same time as everything else. Real time: yes.
 *
 * Pointers: `controls` is null or a handle of this library's.
 */
sourdine_status sourdine_controls_set_attenuation_limit_db(const struct sourdine_controls *controls, float db);

/**
 * Switches the stream to another model: it runs silently for 100 ms, then is faded in. The model may be destroyed at once.
 * If several are set in quick succession, the newest counts. See sourdine_model_warm_up_thread().
 *
 * Threads: any but the audio thread, at the same time as everything else. Real time: no, it allocates; the audio
 * thread never waits for it.
 *
 * Pointers: Both are null or handles of this library's.
 */
sourdine_status sourdine_controls_set_model(const struct sourdine_controls *controls,
                                            const struct sourdine_model *model);

/**
 * Returns the stream's state, one of sourdine_state: whether it is denoised, and if not, why.
 *
 * Threads: any, at the same time as everything else. Real time: yes.
 *
 * Pointers: `controls` is null or a handle of this library's; `state` is null or points to an int32_t.
 */
sourdine_status sourdine_controls_get_state(const struct sourdine_controls *controls, int32_t *state);

/**
 * Creates a voice detector. It uses the config's rate, channels and voice_* fields; any rate from 8000
 * to 192000 Hz is supported. `message` is as in sourdine_engine_create(). Destroy the detector with
 * sourdine_detector_destroy().
 *
 * Threads: any. Real time: no, it allocates.
 *
 * Pointers: As sourdine_engine_create().
 */
sourdine_status sourdine_detector_create(const struct sourdine_config *config,
                                         struct sourdine_detector **detector,
                                         char *message,
                                         size_t message_size);

/**
 * Destroys a voice detector. NULL is allowed.
 *
 * Threads: one, after all other calls have ended. Real time: no, it frees.
 *
 * Pointers: `detector` is null or a detector of this library's that is no longer in use.
 */
void sourdine_detector_destroy(struct sourdine_detector *detector);

/**
 * Clears all state, the noise estimate too.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `detector` is null or a detector of this library's.
 */
sourdine_status sourdine_detector_reset(const struct sourdine_detector *detector);

/**
 * Analyses a block of interleaved 32-bit floats in +-1.0, of any length. `report` may be NULL.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `detector` is null or a detector of this library's; `input` is null or points to `frames` times the channels;
 * `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_detector_process_interleaved_f32(const struct sourdine_detector *detector,
                                                          const float *input,
                                                          size_t frames,
                                                          struct sourdine_voice_report *report);

/**
 * Analyses a block of interleaved 16-bit integers, of any length. `report` may be NULL.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `detector` is null or a detector of this library's; `input` is null or points to `frames` times the channels;
 * `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_detector_process_interleaved_i16(const struct sourdine_detector *detector,
                                                          const int16_t *input,
                                                          size_t frames,
                                                          struct sourdine_voice_report *report);

/**
 * Analyses a block of interleaved 32-bit floats in the range of 16-bit integers (+-32768), as WebRTC and RNNoise have them, of any length. `report` may be NULL.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `detector` is null or a detector of this library's; `input` is null or points to `frames` times the channels;
 * `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_detector_process_interleaved_f32_in_i16_range(const struct sourdine_detector *detector,
                                                                       const float *input,
                                                                       size_t frames,
                                                                       struct sourdine_voice_report *report);

/**
 * Makes a built-in model: "sourdine", our own and the default, "sourdine-lite", its smaller size, or "rnnoise", the
 * baseline. Destroy it with sourdine_model_destroy().
 *
 * Threads: any. Real time: no, it allocates.
 *
 * Pointers: `name` is null or ends in 0; `model` is null or points to memory for a pointer.
 */
sourdine_status sourdine_model_create(const char *name, struct sourdine_model **model);

/**
 * Makes a model from the bytes of a weights file, which may be freed at once. `message` may be NULL; otherwise the
 * error is written there, up to `message_size` bytes, or an empty string. Destroy the model with sourdine_model_destroy().
 *
 * Threads: any. Real time: no, it allocates.
 *
 * Pointers: Each pointer is null or points to as much memory as stated; `model` to memory for a pointer.
 */
sourdine_status sourdine_model_create_from_memory(const void *bytes,
                                                  size_t size,
                                                  struct sourdine_model **model,
                                                  char *message,
                                                  size_t message_size);

/**
 * Destroys a model. Streams made with it keep it. NULL is allowed.
 *
 * Threads: any. Real time: no, it frees.
 *
 * Pointers: `model` is null or a model of this library's that is no longer in use.
 */
void sourdine_model_destroy(struct sourdine_model *model);

/**
 * Pre-allocates the thread-local state that the model needs on this thread. Call it on the audio thread before audio
 * starts, if a stream there may be switched to this model. The state of "rnnoise" (22 kB a thread) stays until the process
 * ends, even if the thread ends before: keep the audio thread. Our own models need none.
 *
 * Threads: any. Real time: no, it may allocate.
 *
 * Pointers: `model` is null or a model of this library's.
 */
sourdine_status sourdine_model_warm_up_thread(const struct sourdine_model *model);

/**
 * Denoises a whole recording: `frames` interleaved frames in +-1.0. `output` gets as many, aligned with the input: the
 * latency is taken out. It may be `input`. Otherwise the bits are those of a stream in real time; `fixed_block` and
 * `light_model` make no difference. `message` is as in sourdine_engine_create().
 *
 * Threads: any. Real time: no, it allocates three times the recording, and works through it before it returns.
 *
 * Pointers: `config` is null or points to as many bytes as its size field says, with models that are null or this library's;
 * `input` and `output` are null or point to `frames` times the channels; `message` is null or points to
 * `message_size` bytes.
 */
sourdine_status sourdine_denoise_interleaved_f32(const struct sourdine_config *config,
                                                 const float *input,
                                                 float *output,
                                                 size_t frames,
                                                 char *message,
                                                 size_t message_size);

/**
 * A status in words; for a number that is no status, words that say so. It need not be freed.
 *
 * Threads: any. Real time: yes.
 */
const char *sourdine_status_text(int32_t status);

/**
 * Creates a stream's denoiser. `message` may be NULL; otherwise the error is written there, up to `message_size` bytes,
 * or an empty string. Destroy the stream with sourdine_engine_destroy().
 *
 * Threads: any. Real time: no, it allocates (a few hundred kilobytes). If the system has no memory left the process ends,
 * as with every allocation of Rust's.
 *
 * Pointers: `config` is null or points to as many bytes as its size field says, with models that are null or this library's;
 * `engine` is null or points to memory for a pointer; `message` is null or points to `message_size` bytes.
 */
sourdine_status sourdine_engine_create(const struct sourdine_config *config,
                                       struct sourdine_engine **engine,
                                       char *message,
                                       size_t message_size);

/**
 * Destroys a stream. Its controls stay valid and do nothing. NULL is allowed.
 *
 * Threads: one, after all other calls have ended. Real time: no, it frees.
 *
 * Pointers: `engine` is null or a stream of this library's that is no longer in use.
 */
void sourdine_engine_destroy(struct sourdine_engine *engine);

/**
 * Gives a handle to change the stream with while it runs, from any thread. Destroy it with
 * sourdine_controls_destroy().
 *
 * Threads: any. Real time: no, it allocates.
 *
 * Pointers: `engine` is null or a stream of this library's; `controls` is null or points to memory for a pointer.
 */
sourdine_status sourdine_engine_create_controls(const struct sourdine_engine *engine,
                                                struct sourdine_controls **controls);

/**
 * The delay from input to output, in frames at the stream's own rate. It never changes.
 *
 * Threads: any. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `frames` is null or points to a size_t.
 */
sourdine_status sourdine_engine_get_latency(const struct sourdine_engine *engine, size_t *frames);

/**
 * Does on this thread what the model's first frame on a thread would otherwise do at a bad moment. Call it once on
 * the audio thread before audio starts: the baseline allocates there, our own model does nothing.
 *
 * Threads: the audio thread. Real time: no, it may allocate.
 *
 * Pointers: `engine` is null or a stream of this library's.
 */
sourdine_status sourdine_engine_warm_up_thread(const struct sourdine_engine *engine);

/**
 * Clears all state, counters and decisions; the controls stay as they are. The output from then on is that of a new stream
 * would give, bit for bit.
 *
 * Threads: one at a time. Real time: no, it may allocate.
 *
 * Pointers: `engine` is null or a stream of this library's.
 */
sourdine_status sourdine_engine_reset(const struct sourdine_engine *engine);

/**
 * The newest frame's report.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_get_report(const struct sourdine_engine *engine, struct sourdine_report *report);

/**
 * Counters since the stream was created or reset, and what it is doing now.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `stats` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_get_stats(const struct sourdine_engine *engine, struct sourdine_stats *stats);

/**
 * Tells the stream how long the last block took and how long there was for it, in seconds. A block that took longer
 * is a deadline miss; after three in short order the stream falls to the light model, if it has one, then to the
 * input, without a click and at the same latency, and comes back when there is time. Who never calls this never
 * falls.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's.
 */
sourdine_status sourdine_engine_report_time(const struct sourdine_engine *engine, double spent, double available);

/**
 * Writes the frames that are still inside after the last block, interleaved and in +-1.0: at most `frames` of them.
 * `written` says how many; 0 once all of the latency is out. Then only sourdine_engine_reset() starts the stream again.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `output` is null or points to `frames` times the channels; `written`
 * is null or points to a size_t.
 */
sourdine_status sourdine_engine_finish_interleaved_f32(const struct sourdine_engine *engine,
                                                       float *output,
                                                       size_t frames,
                                                       size_t *written);

/**
 * Denoises a block of interleaved 32-bit floats in +-1.0.
 * `output` may be `input`; otherwise they must not overlap. `frames` is any number, 0 too, unless the stream was created
 * with a fixed block. `report` may be NULL.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `input` and `output` are null or point to `frames` times the
 * channels; `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_process_interleaved_f32(const struct sourdine_engine *engine,
                                                        const float *input,
                                                        float *output,
                                                        size_t frames,
                                                        struct sourdine_report *report);

/**
 * Denoises a block of 32-bit floats in +-1.0, with a pointer for each channel. Either all
 * channels' outputs are their inputs, or no output may overlap any input; nor may outputs overlap each other.
 * `frames` and `report` are as in sourdine_engine_process_interleaved_f32().
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `input` and `output` are null or point to as many pointers as there
 * are channels, each null or to `frames` samples; `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_process_planar_f32(const struct sourdine_engine *engine,
                                                   const float *const *input,
                                                   float *const *output,
                                                   size_t frames,
                                                   struct sourdine_report *report);

/**
 * Denoises a block of interleaved 16-bit integers.
 * `output` may be `input`; otherwise they must not overlap. `frames` is any number, 0 too, unless the stream was created
 * with a fixed block. `report` may be NULL.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `input` and `output` are null or point to `frames` times the
 * channels; `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_process_interleaved_i16(const struct sourdine_engine *engine,
                                                        const int16_t *input,
                                                        int16_t *output,
                                                        size_t frames,
                                                        struct sourdine_report *report);

/**
 * Denoises a block of 16-bit integers, with a pointer for each channel. Either all
 * channels' outputs are their inputs, or no output may overlap any input; nor may outputs overlap each other.
 * `frames` and `report` are as in sourdine_engine_process_interleaved_i16().
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `input` and `output` are null or point to as many pointers as there
 * are channels, each null or to `frames` samples; `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_process_planar_i16(const struct sourdine_engine *engine,
                                                   const int16_t *const *input,
                                                   int16_t *const *output,
                                                   size_t frames,
                                                   struct sourdine_report *report);

/**
 * Denoises a block of interleaved 32-bit floats in the range of 16-bit integers (+-32768), as WebRTC and RNNoise have them.
 * `output` may be `input`; otherwise they must not overlap. `frames` is any number, 0 too, unless the stream was created
 * with a fixed block. `report` may be NULL.
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `input` and `output` are null or point to `frames` times the
 * channels; `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_process_interleaved_f32_in_i16_range(const struct sourdine_engine *engine,
                                                                     const float *input,
                                                                     float *output,
                                                                     size_t frames,
                                                                     struct sourdine_report *report);

/**
 * Denoises a block of 32-bit floats in the range of 16-bit integers (+-32768), as WebRTC and RNNoise have them, with a pointer for each channel. Either all
 * channels' outputs are their inputs, or no output may overlap any input; nor may outputs overlap each other.
 * `frames` and `report` are as in sourdine_engine_process_interleaved_f32_in_i16_range().
 *
 * Threads: one at a time. Real time: yes.
 *
 * Pointers: `engine` is null or a stream of this library's; `input` and `output` are null or point to as many pointers as there
 * are channels, each null or to `frames` samples; `report` is null or points to as many bytes as its size says.
 */
sourdine_status sourdine_engine_process_planar_f32_in_i16_range(const struct sourdine_engine *engine,
                                                                const float *const *input,
                                                                float *const *output,
                                                                size_t frames,
                                                                struct sourdine_report *report);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SOURDINE_H */
