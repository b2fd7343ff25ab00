/** A spectrogram that moves to the left while it is drawn. */

const TOP_HZ = 16_000;
/** From quiet to loud, in dBFS of the analyser. */
const [QUIET, LOUD] = [-110, -30];

/** Black, violet, orange, white. */
const COLOURS = [[0, 0, 0], [60, 18, 110], [190, 55, 85], [250, 160, 50], [255, 255, 220]];

function colour(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (COLOURS.length - 1);
  const [from, to] = [COLOURS[Math.floor(at)], COLOURS[Math.floor(at) + 1]];
  return from.map((x, i) => x + (to[i] - x) * (at % 1));
}

export class Spectrogram {
  #canvas;
  #picture;
  #analyser;
  #levels;
  #column;

  constructor(canvas, analyser) {
    analyser.smoothingTimeConstant = 0;
    this.#canvas = canvas;
    this.#picture = canvas.getContext("2d");
    this.#picture.clearRect(0, 0, canvas.width, canvas.height);
    this.#analyser = analyser;
    this.#levels = new Float32Array(analyser.frequencyBinCount);
    this.#column = this.#picture.createImageData(2, canvas.height);
  }

  /** Adds what sounds now, on the right. */
  draw() {
    const { width, height } = this.#canvas;
    this.#analyser.getFloatFrequencyData(this.#levels);
    const perRow = (TOP_HZ / (this.#analyser.context.sampleRate / 2)) * this.#levels.length / height;
    for (let row = 0; row < height; row++) {
      const bin = Math.min(this.#levels.length - 1, Math.floor((height - 1 - row) * perRow));
      const [r, g, b] = colour((this.#levels[bin] - QUIET) / (LOUD - QUIET));
      for (const x of [0, 1]) this.#column.data.set([r, g, b, 255], 4 * (2 * row + x));
    }
    this.#picture.drawImage(this.#canvas, -2, 0);
    this.#picture.putImageData(this.#column, width - 2, 0);
  }
}
