/* The least there is to do: make a stream, denoise blocks, drain it. Reads and writes raw mono floats at 48 kHz.
 *
 *     cc minimal.c -lsourdine -o minimal && ./minimal <noisy.f32 >clean.f32
 *
 * The output has the length of the input and is aligned with it.
 */
#include <stdio.h>

#include "sourdine.h"

enum { BLOCK = 480 };

static int fail(const char *what, sourdine_status status, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message && *message ? message : sourdine_status_text(status));
    return 1;
}

int main(void)
{
    struct sourdine_config config;
    sourdine_engine *engine = NULL;
    char message[200];
    sourdine_status status;
    size_t skip = 0, n, written;
    float block[BLOCK];

    if (sourdine_abi_version() != SOURDINE_ABI_VERSION) return fail("libsourdine", SOURDINE_STATUS_SIZE, NULL);
    status = sourdine_config_init(&config, sizeof config);
    if (status == SOURDINE_STATUS_OK) status = sourdine_engine_create(&config, &engine, message, sizeof message);
    if (status != SOURDINE_STATUS_OK) return fail("create", status, message);
    sourdine_engine_get_latency(engine, &skip);

    while ((n = fread(block, sizeof *block, BLOCK, stdin)) > 0) {
        const size_t before = skip < n ? skip : n; /* what belongs to the time before the first sample */
        status = sourdine_engine_process_interleaved_f32(engine, block, block, n, NULL);
        if (status != SOURDINE_STATUS_OK) return fail("process", status, NULL);
        skip -= before;
        if (fwrite(block + before, sizeof *block, n - before, stdout) != n - before) return fail("write", status, NULL);
    }
    while (sourdine_engine_finish_interleaved_f32(engine, block, BLOCK, &written) == SOURDINE_STATUS_OK && written > 0) {
        const size_t before = skip < written ? skip : written;
        skip -= before;
        if (fwrite(block + before, sizeof *block, written - before, stdout) != written - before)
            return fail("write", status, NULL);
    }
    sourdine_engine_destroy(engine);
    return 0;
}
