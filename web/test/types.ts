/** Compiles if the package's types fit those of LiveKit's SDK. */

import type { AudioProcessorOptions, Track, TrackProcessor } from "livekit-client";

import type { SourdineProcessor } from "../src/livekit.js";

export const fits = (processor: SourdineProcessor): TrackProcessor<Track.Kind.Audio, AudioProcessorOptions> => processor;
