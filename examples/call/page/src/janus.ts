/** Janus' protocol over a WebSocket: sessions, handles, requests and their answers. */

const KEEPALIVE = 10_000;
const PATIENCE = 10_000;

/** What Janus' plugin says; `jsep` is an offer or an answer. */
export interface Answer {
  data: any;
  jsep?: RTCSessionDescriptionInit;
}

export class JanusError extends Error {
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

interface Pending {
  /** Requests to the plugin are acknowledged first, and answered later. */
  isAnsweredLater: boolean;
  resolve(answer: Record<string, any>): void;
  reject(error: Error): void;
}

export class Janus {
  /** Called once, when the connection or the session is gone. */
  onlost: () => void = () => {};
  #socket: WebSocket;
  #session = 0;
  #next = 0;
  #pending = new Map<string, Pending>();
  #handles = new Map<number, Handle>();
  #keepalive = 0;
  #lost = false;

  private constructor(url: URL) {
    this.#socket = new WebSocket(url, "janus-protocol");
    this.#socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    this.#socket.onclose = () => this.#lose();
  }

  static async connect(url: URL): Promise<Janus> {
    const janus = new Janus(url);
    await new Promise<void>((resolve, reject) => {
      janus.#socket.onopen = () => resolve();
      janus.#socket.onerror = () => reject(new Error("the media server cannot be reached"));
    });
    janus.#session = (await janus.request({ janus: "create" })).data.id;
    janus.#keepalive = setInterval(() => janus.request({ janus: "keepalive" }).catch(() => janus.close()), KEEPALIVE);
    return janus;
  }

  /** A handle of the room plugin. */
  async attach(): Promise<Handle> {
    const { data } = await this.request({ janus: "attach", plugin: "janus.plugin.videoroom" });
    const handle = new Handle(this, data.id);
    this.#handles.set(data.id, handle);
    return handle;
  }

  request(message: Record<string, unknown>): Promise<Record<string, any>> {
    const transaction = String(this.#next++);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(transaction);
        reject(new Error("the media server does not answer"));
      }, PATIENCE);
      const done = <T>(then: (value: T) => void) => (value: T) => {
        clearTimeout(timer);
        this.#pending.delete(transaction);
        then(value);
      };
      if (this.#socket.readyState !== WebSocket.OPEN) return done(reject)(new Error("the media server is gone"));
      const isAnsweredLater = message.janus === "message";
      this.#pending.set(transaction, { isAnsweredLater, resolve: done(resolve), reject: done(reject) });
      this.#socket.send(JSON.stringify({ ...message, transaction, ...(this.#session && { session_id: this.#session }) }));
    });
  }

  close(): void {
    this.#socket.close();
    this.#lose();
  }

  #lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    clearInterval(this.#keepalive);
    for (const { reject } of [...this.#pending.values()]) reject(new Error("the media server is gone"));
    this.onlost();
  }

  #receive(message: Record<string, any>): void {
    const pending = this.#pending.get(message.transaction);
    if (message.janus === "ack") {
      if (pending && !pending.isAnsweredLater) pending.resolve(message);
    } else if (message.janus === "error") {
      pending?.reject(new JanusError(message.error.code, message.error.reason));
    } else if (message.janus === "timeout") {
      this.close();
    } else if (pending) {
      pending.resolve(message);
    } else {
      this.#handles.get(message.sender)?.receive(message);
    }
  }
}

/** One of the page's two conversations with the room: what it sends, and what it receives. */
export class Handle {
  /** Called for what is said without being asked. */
  onevent: (answer: Answer) => void = () => {};

  constructor(private readonly janus: Janus, private readonly id: number) {}

  /** Asks the plugin; its refusals become {@link JanusError}s. */
  async ask(body: Record<string, unknown>, jsep?: RTCSessionDescriptionInit): Promise<Answer> {
    const message = await this.janus.request({ janus: "message", handle_id: this.id, body, ...(jsep && { jsep }) });
    const { data } = message.plugindata;
    if (data.error_code) throw new JanusError(data.error_code, data.error);
    return { data, ...(message.jsep && { jsep: message.jsep }) };
  }

  receive(message: Record<string, any>): void {
    if (message.janus === "event") this.onevent({ data: message.plugindata.data, jsep: message.jsep });
  }
}

/** Waits until a description holds all addresses, so that none has to be sent later. */
export async function gathered(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  if (connection.iceGatheringState !== "complete") {
    await new Promise<void>((resolve) => {
      connection.addEventListener("icegatheringstatechange", () => connection.iceGatheringState === "complete" && resolve());
    });
  }
  return connection.localDescription!.toJSON();
}
