/** The lists of devices, and what happens when one comes or goes. */

const LISTS = { audioinput: "microphones", videoinput: "cameras", audiooutput: "speakers" } as const;

export class Devices {
  onchoose: Record<"microphone" | "camera" | "speaker", (deviceId: string) => void> = {
    microphone: () => {}, camera: () => {}, speaker: () => {},
  };
  /** Called when the microphone in use is gone. */
  onlost: () => void = () => {};
  #microphone = "";

  constructor() {
    const select = (id: string) => document.getElementById(id) as HTMLSelectElement;
    select("microphones").onchange = ({ target }) => this.onchoose.microphone((target as HTMLSelectElement).value);
    select("cameras").onchange = ({ target }) => this.onchoose.camera((target as HTMLSelectElement).value);
    select("speakers").onchange = ({ target }) => this.onchoose.speaker((target as HTMLSelectElement).value);
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.list(this.#microphone));
  }

  /** The camera that is chosen; "" is the browser's choice. */
  get camera(): string {
    return (document.getElementById("cameras") as HTMLSelectElement).value;
  }

  /** Shows what there is; `microphone` is in use. */
  async list(microphone: string): Promise<void> {
    this.#microphone = microphone;
    const all = await navigator.mediaDevices.enumerateDevices();
    for (const [kind, id] of Object.entries(LISTS)) {
      const select = document.getElementById(id) as HTMLSelectElement;
      const chosen = kind === "audioinput" ? microphone : select.value;
      select.replaceChildren(
        ...all.filter((device) => device.kind === kind).map(({ deviceId, label }) => new Option(label, deviceId, false, deviceId === chosen)),
      );
    }
    if (microphone && !all.some(({ deviceId }) => deviceId === microphone)) this.onlost();
  }
}
