/* A librnnoise as a LADSPA plug-in, for `pipewire.sh cost`: the same chain with another denoiser in it. */
#include <ladspa.h>
#include <rnnoise.h>
#include <stdlib.h>

#define FRAME 480

typedef struct {
    DenoiseState *state;
    float *input, *output, frame[FRAME];
    int filled;
} Plugin;

static LADSPA_Handle instantiate(const LADSPA_Descriptor *descriptor, unsigned long rate) {
    (void)descriptor;
    Plugin *plugin = rate == 48000 ? calloc(1, sizeof *plugin) : NULL;
    if (plugin) plugin->state = rnnoise_create(NULL);
    return plugin;
}

static void connect_port(LADSPA_Handle handle, unsigned long port, LADSPA_Data *memory) {
    Plugin *plugin = handle;
    *(port ? &plugin->output : &plugin->input) = memory;
}

static void run(LADSPA_Handle handle, unsigned long frames) {
    Plugin *plugin = handle;
    for (unsigned long at = 0; at < frames; at++) {
        float *slot = &plugin->frame[plugin->filled++];
        float out = *slot / 32768;
        *slot = plugin->input[at] * 32768;
        plugin->output[at] = out;
        if (plugin->filled == FRAME) {
            plugin->filled = 0;
            rnnoise_process_frame(plugin->state, plugin->frame, plugin->frame);
        }
    }
}

static void cleanup(LADSPA_Handle handle) {
    Plugin *plugin = handle;
    rnnoise_destroy(plugin->state);
    free(plugin);
}

const LADSPA_Descriptor *ladspa_descriptor(unsigned long index) {
    static const LADSPA_PortDescriptor ports[] = {LADSPA_PORT_INPUT | LADSPA_PORT_AUDIO, LADSPA_PORT_OUTPUT | LADSPA_PORT_AUDIO};
    static const char *const names[] = {"Input 1", "Output 1"};
    static const LADSPA_PortRangeHint hints[2];
    static const LADSPA_Descriptor descriptor = {
        .UniqueID = 1, .Label = "rnnoise", .Name = "RNNoise", .Maker = "", .Copyright = "", .PortCount = 2,
        .PortDescriptors = ports, .PortNames = names, .PortRangeHints = hints,
        .instantiate = instantiate, .connect_port = connect_port, .run = run, .cleanup = cleanup,
    };
    return index ? NULL : &descriptor;
}
