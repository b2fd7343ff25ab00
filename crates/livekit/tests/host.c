/* Loads the plug-in as LiveKit's SDK does, by path and by the names of its symbols, and runs sessions through it. */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int32_t (*on_load_fn)(const char *);
typedef void *(*create_fn)(uint32_t, const char *, const char *);
typedef void *(*create_v2_fn)(uint32_t, uint32_t, const char *, const char *);
typedef void (*destroy_fn)(const void *);
typedef void (*int16_fn)(const void *, size_t, const int16_t *, int16_t *);
typedef void (*int16_v2_fn)(const void *, size_t, const int16_t *, size_t, int16_t *);
typedef void (*float_fn)(const void *, size_t, const float *, float *);
typedef void (*float_v2_fn)(const void *, size_t, const float *, size_t, float *);
typedef void (*info_fn)(const void *, const char *);
typedef void (*token_fn)(const char *, const char *);

static int line_of_failure = 0;
#define EXPECT(condition) \
    do { if (!(condition)) { fprintf(stderr, "line %d: %s\n", __LINE__, #condition); line_of_failure = __LINE__; } } while (0)

/* A function pointer out of dlsym, in a way that ISO C allows. */
#define LOOK_UP(variable, name) \
    do { void *symbol = dlsym(library, name); EXPECT(symbol != NULL); memcpy(&variable, &symbol, sizeof symbol); } while (0)

static const char *INFO =
    "{\"url\":\"wss://example.org\",\"roomId\":\"RM_1\",\"roomName\":\"r\",\"participantIdentity\":\"p\",\"participantId\":\"PA_1\",\"trackId\":\"TR_1\"}";

static int16_t noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (int16_t)((int32_t)(state >> 20) - 2048);
}

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) {
        fprintf(stderr, "usage: %s libsourdine_livekit.so\n", argv[0]);
        return 2;
    }
    on_load_fn on_load; create_fn create; create_v2_fn create_v2; destroy_fn destroy; int16_fn int16; int16_v2_fn int16_v2;
    float_fn float_; float_v2_fn float_v2; info_fn update_stream_info; token_fn update_token;
    LOOK_UP(on_load, "audio_filter_on_load");
    LOOK_UP(create, "audio_filter_create");
    LOOK_UP(create_v2, "audio_filter_create_v2");
    LOOK_UP(destroy, "audio_filter_destroy");
    LOOK_UP(int16, "audio_filter_process_int16");
    LOOK_UP(int16_v2, "audio_filter_process_int16_v2");
    LOOK_UP(float_, "audio_filter_process_float");
    LOOK_UP(float_v2, "audio_filter_process_float_v2");
    LOOK_UP(update_stream_info, "audio_filter_update_stream_info");
    LOOK_UP(update_token, "audio_filter_update_token");
    if (line_of_failure) return 1;

    EXPECT(on_load("{\"url\":\"wss://example.org\",\"token\":\"t\"}") == 0);
    EXPECT(on_load(NULL) == 0);
    update_token("u", "t");
    update_token(NULL, NULL);

    EXPECT(create(0, "", INFO) == NULL);
    EXPECT(create(UINT32_MAX, NULL, NULL) == NULL);
    EXPECT(create(48000, "{\"model\":", INFO) == NULL);
    EXPECT(create(48000, "\xff", INFO) == NULL);
    EXPECT(create_v2(48000, 1, "", INFO) == NULL);
    destroy(NULL);

    int16_t in[480], out[480], half[240];
    float fin[480], fout[480], fhalf[240];
    for (int i = 0; i < 480; i++) in[i] = noise();
    int16(NULL, 480, in, out); /* no session: the input */
    EXPECT(memcmp(in, out, sizeof in) == 0);
    int16(NULL, 480, NULL, out);
    int16(NULL, 480, in, NULL);
    float_v2(NULL, 0, NULL, 240, fhalf);
    EXPECT(fhalf[0] == 0.0f);

    void *sessions[3];
    sessions[0] = create(48000, "", INFO);
    sessions[1] = create_v2(48000, 24000, "{\"model\":\"sourdine\"}", INFO);
    sessions[2] = create_v2(48000, 48000, "{\"model\":\"sourdine\",\"attenuationLimitDb\":12}", NULL);
    double before = 0.0, after[3] = {0.0, 0.0, 0.0};
    for (int s = 0; s < 3; s++) {
        EXPECT(sessions[s] != NULL);
        update_stream_info(sessions[s], INFO);
        update_stream_info(sessions[s], NULL);
    }
    for (int block = 0; block < 300; block++) {
        for (int i = 0; i < 480; i++) { in[i] = noise(); fin[i] = (float)in[i] / 32768.0f; }
        int16(sessions[0], 480, in, out);
        if (block % 2) float_v2(sessions[1], 480, fin, 240, fhalf);
        else int16_v2(sessions[1], 480, in, 240, half);
        float_(sessions[2], 480, fin, fout);
        for (int i = 0; i < 480 && block > 200; i++) {
            before += (double)in[i] * in[i];
            after[0] += (double)out[i] * out[i];
            after[2] += pow(32768.0 * fout[i], 2.0);
        }
        for (int i = 0; i < 240 && block > 200; i++) after[1] += 2.0 * pow(block % 2 ? 32768.0 * fhalf[i] : half[i], 2.0);
    }
    const double least[3] = {3.0, 12.0, 6.0}; /* the network of 2018 is shy of flat noise */
    for (int s = 0; s < 3; s++) {
        const double db = 10.0 * log10(before / (after[s] + 1e-9));
        printf("session %d turned the noise down by %.1f dB\n", s, db);
        EXPECT(db > least[s] && db < 65.0);
        destroy(sessions[s]);
    }
    dlclose(library);
    return line_of_failure != 0;
}
