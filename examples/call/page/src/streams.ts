/** What a participant sends. The place in this list is the stream's number in SFrame's key ids. */
export const STREAMS = ["microphone", "camera", "screen", "screenSound"] as const;

export type Stream = (typeof STREAMS)[number];

export const isStream = (name: unknown): name is Stream => STREAMS.includes(name as Stream);

export const kindOf = (stream: Stream): "audio" | "video" =>
  stream === "camera" || stream === "screen" ? "video" : "audio";
