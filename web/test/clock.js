/** Lets an audio thread's clock run as if every block took long: by the milliseconds of the last message; 0: as it is. */
const now = Date.now;
let slow = 0;
let late = 0;
Date.now = () => now() + (late += slow);

registerProcessor("clock", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.onmessage = ({ data }) => (slow = data);
  }

  process() {
    return true;
  }
});
