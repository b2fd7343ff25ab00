/** Sends what it hears to the page. */
registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([[plane]]) {
    if (plane) this.port.postMessage(plane.slice());
    return true;
  }
});
