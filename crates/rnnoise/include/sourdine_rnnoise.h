/* Functions that Sourdine's librnnoise adds to rnnoise.h, and differences from RNNoise.
 *
 * - The default model is RNNoise's network of 2018 (that of 0.1.x), by nnnoiseless; RNNoise 0.2 has another one.
 *   Its output agrees with nnnoiseless bit for bit.
 * - Model files: the text form of RNNoise 0.1 ("rnnoise-nu model file version 1"), nnnoiseless' binary form, and
 *   Sourdine's own. The weight blobs of RNNoise 0.2 ("DNNw") belong to another network and are refused (NULL).
 * - rnnoise_init() allocates, as it does in RNNoise 0.1. Whoever passes memory that rnnoise_destroy() must not
 *   free() calls sourdine_rnnoise_release() first. RNNoise 0.2 needs no such call.
 * - Models are copied: buffers, files and models may be freed while states made from them go on.
 * - Samples that are not numbers count as silence, and samples beyond +-1048576 as that; RNNoise never recovers from
 *   the former. A NULL state passes the input on.
 * - The baseline keeps its Fourier transforms (some 22 kB) once per thread that called rnnoise_process_frame(), for
 *   the life of the process: nnnoiseless is made so, and valgrind reports it. Our own model keeps nothing.
 * - Threads: as in RNNoise, a state belongs to one thread at a time, different states to any threads at once; models are
 *   only read. Real time: rnnoise_process_frame() neither locks nor waits, and allocates only in a thread's first
 *   frame of the baseline; our own model never does. All other functions allocate or free.
 * - Output is clipped to the range of 16-bit integers nowhere, as in RNNoise: convert with saturation.
 */
#ifndef SOURDINE_RNNOISE_H
#define SOURDINE_RNNOISE_H 1

#include "rnnoise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A built-in model for rnnoise_create() and rnnoise_init(): "rnnoise", the baseline, "sourdine", our own, or
 * "sourdine-lite", its smaller size. NULL for any other name. Free it with rnnoise_model_free(). */
RNNOISE_EXPORT RNNModel *sourdine_rnnoise_model(const char *name);

/* Frees what rnnoise_init() allocated, and leaves the caller's memory to the caller. NULL is allowed. */
RNNOISE_EXPORT void sourdine_rnnoise_release(DenoiseState *st);

#ifdef __cplusplus
}
#endif

#endif
