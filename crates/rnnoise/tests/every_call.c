/* Every function with good and with bad arguments; ends with 0 if all is as the header says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sourdine_rnnoise.h"

static int line_of_failure = 0;
#define EXPECT(condition) \
    do { if (!(condition)) { fprintf(stderr, "line %d: %s\n", __LINE__, #condition); line_of_failure = __LINE__; } } while (0)

static void feed(DenoiseState *state, int frames)
{
    float x[480];
    for (int f = 0; f < frames; f++) {
        for (int i = 0; i < 480; i++) x[i] = 8000.0f * sinf(0.05f * (float)(480 * f + i));
        const float voice = rnnoise_process_frame(state, x, x);
        EXPECT(voice >= 0.0f && voice <= 1.0f);
        for (int i = 0; i < 480; i++) EXPECT(x[i] > -40000.0f && x[i] < 40000.0f);
    }
}

int main(int argc, char **argv)
{
    EXPECT(rnnoise_get_frame_size() == 480);
    EXPECT(rnnoise_get_size() > 0);

    /* Nothing there. */
    float a[480], b[480];
    for (int i = 0; i < 480; i++) { a[i] = (float)i; b[i] = -1.0f; }
    EXPECT(rnnoise_init(NULL, NULL) == -1);
    rnnoise_destroy(NULL);
    rnnoise_model_free(NULL);
    sourdine_rnnoise_release(NULL);
    EXPECT(rnnoise_process_frame(NULL, b, a) == 0.0f);
    EXPECT(memcmp(a, b, sizeof a) == 0);
    EXPECT(rnnoise_process_frame(NULL, NULL, a) == 0.0f);
    EXPECT(rnnoise_process_frame(NULL, b, NULL) == 0.0f);
    EXPECT(rnnoise_model_from_file(NULL) == NULL);
    EXPECT(rnnoise_model_from_filename(NULL) == NULL);
    EXPECT(rnnoise_model_from_filename("/no/such/file") == NULL);
    EXPECT(rnnoise_model_from_filename("/") == NULL);
    EXPECT(rnnoise_model_from_buffer(NULL, 5) == NULL);
    EXPECT(rnnoise_model_from_buffer("DNNw", -1) == NULL);
    EXPECT(rnnoise_model_from_buffer("DNNw", 0) == NULL);
    EXPECT(rnnoise_model_from_buffer("DNNw", 4) == NULL);
    EXPECT(sourdine_rnnoise_model(NULL) == NULL);
    EXPECT(sourdine_rnnoise_model("no such model") == NULL);

    /* Created; the model may go first. */
    RNNModel *own = sourdine_rnnoise_model("sourdine");
    RNNModel *baseline = sourdine_rnnoise_model("rnnoise");
    EXPECT(own && baseline);
    DenoiseState *states[3];
    states[0] = rnnoise_create(NULL);
    states[1] = rnnoise_create(own);
    states[2] = rnnoise_create(baseline);
    rnnoise_model_free(own);
    rnnoise_model_free(baseline);
    for (int s = 0; s < 3; s++) {
        EXPECT(states[s] != NULL);
        feed(states[s], 5);
        rnnoise_destroy(states[s]);
    }

    /* In memory from malloc, freed by rnnoise_destroy. */
    DenoiseState *state = (DenoiseState *)malloc((size_t)rnnoise_get_size());
    EXPECT(rnnoise_init(state, NULL) == 0);
    feed(state, 3);
    rnnoise_destroy(state);

    /* In the caller's own memory, at an odd address; released twice, which does no harm, and used after. */
    char memory[256];
    EXPECT(rnnoise_get_size() < 255);
    state = (DenoiseState *)(void *)(memory + 1);
    EXPECT(rnnoise_init(state, NULL) == 0);
    feed(state, 3);
    sourdine_rnnoise_release(state);
    sourdine_rnnoise_release(state);
    EXPECT(rnnoise_process_frame(state, b, a) == 0.0f);
    EXPECT(memcmp(a, b, sizeof a) == 0);

    /* Weights from a file and from memory, whole and cut short. */
    if (argc == 2) {
        FILE *f = fopen(argv[1], "rb");
        static char bytes[4 << 20];
        const size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
        EXPECT(n > 1000 && n < sizeof bytes);
        EXPECT(rnnoise_model_from_file(f) == NULL); /* it stands at its end */
        rewind(f);
        RNNModel *models[3];
        models[0] = rnnoise_model_from_file(f);
        models[1] = rnnoise_model_from_filename(argv[1]);
        models[2] = rnnoise_model_from_buffer(bytes, (int)n);
        fclose(f);
        for (int m = 0; m < 3; m++) {
            EXPECT(models[m] != NULL);
            state = rnnoise_create(models[m]);
            rnnoise_model_free(models[m]);
            feed(state, 3);
            rnnoise_destroy(state);
        }
        for (size_t cut = 0; cut < n; cut += n / 17) EXPECT(rnnoise_model_from_buffer(bytes, (int)cut) == NULL);
    }
    return line_of_failure != 0;
}
