/** Sends all that it hears to the page. */
registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length) this.port.postMessage(input.map((plane) => plane.slice()));
    return true;
  }
});

/** Does nothing but copy, as a measure of what any worklet costs. */
registerProcessor("copier", class extends AudioWorkletProcessor {
  process([input], [output]) {
    input.forEach((plane, channel) => output[channel].set(plane));
    return true;
  }
});

/** Blocks the audio thread for half a second, once. */
registerProcessor("dawdler", class extends AudioWorkletProcessor {
  process() {
    const end = Date.now() + 500;
    while (Date.now() < end);
    return false;
  }
});
