/* A group call as one participant's client has it: the near end is denoised (one stream), the far ends are only listened
 * to (a voice detector each, a fraction of the cost), the loudest of those who speak is the active speaker, with some
 * patience, and all far ends are mixed.
 *
 *     cc group_call.c -lsourdine -lm -o group_call && ./group_call
 *
 * The far ends here are made up: one after the other speaks over soft noise, and one hums loudly all the time without
 * ever being a speaker. main() says who was found when, and fails if that is wrong.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sourdine.h"

enum { RATE = 48000, BLOCK = 480, FAR_ENDS = 6, HUMMING = 5, TURN_BLOCKS = 200, NOBODY = -1 };

/* Another must speak for this long, in blocks of 10 ms, before the active speaker changes. */
enum { PATIENCE = 20 };

struct far_end {
    sourdine_detector *detector;
    int speaking;
    float level_dbfs; /* smoothed */
};

struct call {
    sourdine_engine *near_end;
    struct far_end far_ends[FAR_ENDS];
    int active, candidate, patience;
};

static const double PI = 3.14159265358979;

static float noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 8388608.0f - 1.0f;
}

static float vowel(double t, double pitch)
{
    const double syllable = fmax(0.0, sin(2.0 * PI * 4.0 * t));
    double x = 0.0;
    for (int harmonic = 1; harmonic < 20; harmonic++) x += sin(2.0 * PI * pitch * harmonic * t) / harmonic;
    return (float)(0.15 * syllable * x);
}

static sourdine_status call_open(struct call *call, char *message, size_t message_size)
{
    struct sourdine_config config;
    sourdine_model *model = NULL;
    sourdine_status status = sourdine_config_init(&config, sizeof config);
    memset(call, 0, sizeof *call);
    call->active = call->candidate = NOBODY;
    if (status == SOURDINE_STATUS_OK) status = sourdine_model_create("sourdine", &model);
    config.sample_rate = RATE;
    config.fixed_block = BLOCK;
    config.model = model;
    if (status == SOURDINE_STATUS_OK) status = sourdine_engine_create(&config, &call->near_end, message, message_size);
    /* A speaking light holds on through the gaps of a sentence; the default decision follows the voice closely. */
    config.voice_on = 0.6f;
    config.voice_off = 0.35f;
    config.voice_hangover_ms = 200.0f;
    for (int i = 0; i < FAR_ENDS && status == SOURDINE_STATUS_OK; i++)
        status = sourdine_detector_create(&config, &call->far_ends[i].detector, message, message_size);
    sourdine_model_destroy(model);
    return status;
}

static void call_close(struct call *call)
{
    sourdine_engine_destroy(call->near_end);
    for (int i = 0; i < FAR_ENDS; i++) sourdine_detector_destroy(call->far_ends[i].detector);
}

/* The loudest of those who speak, once they have spoken for a while. */
static void choose_active(struct call *call)
{
    int loudest = NOBODY;
    for (int i = 0; i < FAR_ENDS; i++)
        if (call->far_ends[i].speaking && (loudest == NOBODY || call->far_ends[i].level_dbfs > call->far_ends[loudest].level_dbfs))
            loudest = i;
    if (loudest != call->candidate) call->patience = 0;
    call->candidate = loudest;
    if (loudest != NOBODY && ++call->patience >= PATIENCE) call->active = loudest;
}

/* One block: the microphone's in place; the far ends' into the loudspeaker's. On the audio thread. */
static sourdine_status call_process(struct call *call, float *microphone, float far[FAR_ENDS][BLOCK], float *loudspeaker)
{
    sourdine_status status = sourdine_engine_process_interleaved_f32(call->near_end, microphone, microphone, BLOCK, NULL);
    memset(loudspeaker, 0, BLOCK * sizeof *loudspeaker);
    for (int i = 0; i < FAR_ENDS && status == SOURDINE_STATUS_OK; i++) {
        struct far_end *end = &call->far_ends[i];
        struct sourdine_voice_report voice_report;
        voice_report.size = sizeof voice_report;
        status = sourdine_detector_process_interleaved_f32(end->detector, far[i], BLOCK, &voice_report);
        if (status != SOURDINE_STATUS_OK) return status;
        end->speaking = (int)voice_report.voice;
        end->level_dbfs += 0.1f * (voice_report.level_dbfs - end->level_dbfs);
        for (int n = 0; n < BLOCK; n++) loudspeaker[n] += far[i][n];
    }
    choose_active(call);
    return status;
}

int main(void)
{
    struct call call;
    char message[200] = "";
    static float far[FAR_ENDS][BLOCK], microphone[BLOCK], loudspeaker[BLOCK];
    double before = 0.0, after = 0.0;
    int wrong = 0;
    sourdine_status status = call_open(&call, message, sizeof message);

    /* Two seconds of quiet, in which the detectors learn the rooms, then a turn for each but the humming one. */
    for (int block = 0; block < TURN_BLOCKS * (1 + HUMMING) && status == SOURDINE_STATUS_OK; block++) {
        const int speaker = block / TURN_BLOCKS - 1;
        for (int n = 0; n < BLOCK; n++) {
            const double t = (double)(block * BLOCK + n) / RATE;
            microphone[n] = 0.05f * noise();
            for (int i = 0; i < FAR_ENDS; i++) {
                far[i][n] = 0.002f * noise();
                if (i == speaker) far[i][n] += vowel(t, 100.0 + 20.0 * i);
                if (i == HUMMING) far[i][n] += 0.2f * (float)sin(2.0 * PI * 50.0 * t);
            }
            if (block > TURN_BLOCKS) before += (double)microphone[n] * microphone[n];
        }
        status = call_process(&call, microphone, far, loudspeaker);
        for (int n = 0; n < BLOCK; n++)
            if (block > TURN_BLOCKS) after += (double)microphone[n] * microphone[n];
        if (block % TURN_BLOCKS == TURN_BLOCKS - 1) {
            printf("%4.1f s: participant %d speaks, %d was found\n", (block + 1) * 0.01, speaker, call.active);
            wrong += call.active != speaker; /* speaker -1 is NOBODY */
        }
    }
    if (status != SOURDINE_STATUS_OK) {
        fprintf(stderr, "%s\n", *message ? message : sourdine_status_text(status));
        return 1;
    }
    printf("the near end's noise was attenuated by %.1f dB\n", 10.0 * log10(before / (after + 1e-12)));
    wrong += !(after < before / 10.0);
    call_close(&call);
    return wrong != 0;
}
