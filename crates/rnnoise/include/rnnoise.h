/* The interface of RNNoise 0.1.1 and 0.2, as Sourdine's librnnoise offers it.
 *
 * A program written for RNNoise's own rnnoise.h compiles and links unchanged, with that header or with this one.
 * Differences from the original are listed in sourdine_rnnoise.h.
 *
 * No function throws, aborts or keeps global state. Functions on different states may run on different threads at
 * the same time; one state belongs to one thread at a time. A model may be shared by any number of threads.
 */
#ifndef RNNOISE_H
#define RNNOISE_H 1

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef RNNOISE_EXPORT
#define RNNOISE_EXPORT
#endif

typedef struct DenoiseState DenoiseState;
typedef struct RNNModel RNNModel;

/* Bytes that rnnoise_init() needs. */
RNNOISE_EXPORT int rnnoise_get_size(void);

/* Samples that rnnoise_process_frame() takes at a time: 480. */
RNNOISE_EXPORT int rnnoise_get_frame_size(void);

/* Makes a state in memory of the caller's, of at least rnnoise_get_size() bytes at any alignment. model may be NULL
 * for the default. Returns 0, or -1 if st is NULL. Allocates: see sourdine_rnnoise_release() and rnnoise_create(). */
RNNOISE_EXPORT int rnnoise_init(DenoiseState *st, RNNModel *model);

/* Makes a state; model may be NULL for the default. NULL if the system has no memory for the state itself;
 * if it has none for what the state holds (some 100 kB), the process ends. Allocates. */
RNNOISE_EXPORT DenoiseState *rnnoise_create(RNNModel *model);

/* Frees a state from rnnoise_create(), or one that rnnoise_init() made in memory from malloc(). NULL is allowed. */
RNNOISE_EXPORT void rnnoise_destroy(DenoiseState *st);

/* Denoises 480 samples of 48 kHz mono in the range of 16-bit integers (-32768 to 32767). out and in may be the same
 * or overlap. The output is the frame given before. Returns the probability of voice, 0 to 1.
 *
 * Real time: no lock, no system call. With the baseline the first call on each thread allocates about 50 times; all
 * others, and all with Sourdine's model, not at all. */
RNNOISE_EXPORT float rnnoise_process_frame(DenoiseState *st, float *out, const float *in);

/* Reads a model from an open file, from where it stands to its end. NULL if it is none. The file stays open and may
 * be closed at once. */
RNNOISE_EXPORT RNNModel *rnnoise_model_from_file(FILE *f);

/* Reads a model from the file of this name. NULL if there is none. */
RNNOISE_EXPORT RNNModel *rnnoise_model_from_filename(const char *filename);

/* Reads a model from memory, which may be freed at once. NULL if it is none. */
RNNOISE_EXPORT RNNModel *rnnoise_model_from_buffer(const void *ptr, int len);

/* Frees a model; states made with it go on. NULL is allowed. */
RNNOISE_EXPORT void rnnoise_model_free(RNNModel *model);

#ifdef __cplusplus
}
#endif

#endif
