/** Sends all that it hears to the page. */
registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length) this.port.postMessage(input.map((plane) => plane.slice()));
    return true;
  }
});
