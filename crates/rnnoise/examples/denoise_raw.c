/* Denoises a file of raw 16-bit mono samples at 48 kHz, knowing nothing but RNNoise's own rnnoise.h.
 *
 *     cc denoise_raw.c -lrnnoise -o denoise_raw && ./denoise_raw noisy.raw clean.raw [weights]
 *
 * The output has the length of the input and is aligned with it: the first frame that comes out belongs to the time
 * before the first sample, and is left out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "rnnoise.h"

static int16_t to_int16(float x)
{
    if (x >= 32767.0f) return 32767;
    if (x <= -32768.0f) return -32768;
    return (int16_t)(x < 0.0f ? x - 0.5f : x + 0.5f);
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: %s noisy.raw clean.raw [weights]\n", argv[0]);
        return 2;
    }
    const int frame = rnnoise_get_frame_size();
    RNNModel *model = NULL;
    if (argc == 4) {
        FILE *weights = fopen(argv[3], "rb");
        if (weights) {
            model = rnnoise_model_from_file(weights);
            fclose(weights);
        }
        if (!model) {
            fprintf(stderr, "%s: no weights there\n", argv[3]);
            return 1;
        }
    }
    DenoiseState *state = rnnoise_create(model);
    FILE *in = fopen(argv[1], "rb");
    FILE *out = fopen(argv[2], "wb");
    int16_t *samples = malloc((size_t)frame * sizeof *samples);
    float *x = malloc((size_t)frame * sizeof *x);
    if (!state || !in || !out || !samples || !x) {
        fprintf(stderr, "%s: cannot open or no memory\n", argv[1]);
        return 1;
    }

    size_t pending = 0; /* samples of the frame before, which come out of this one */
    for (;;) {
        const size_t n = fread(samples, sizeof *samples, (size_t)frame, in);
        if (n == 0 && pending == 0) break;
        for (size_t i = 0; i < (size_t)frame; i++) x[i] = i < n ? (float)samples[i] : 0.0f;
        rnnoise_process_frame(state, x, x);
        for (size_t i = 0; i < pending; i++) samples[i] = to_int16(x[i]);
        if (fwrite(samples, sizeof *samples, pending, out) != pending) {
            fprintf(stderr, "%s: cannot write\n", argv[2]);
            return 1;
        }
        pending = n;
    }

    rnnoise_destroy(state);
    rnnoise_model_free(model);
    free(x);
    free(samples);
    fclose(in);
    return fclose(out) == 0 ? 0 : 1;
}
