/** The connection to the server that delivers sealed messages in order. It comes back by itself. */

export interface Position {
  group: string;
  epoch: number;
}

export type ToServer =
  | { type: "created"; at: Position }
  | { type: "join"; request: string }
  | { type: "refuse"; peer: string }
  | { type: "commit"; at: Position; commit: string; welcome: string | null; welcomed: string[] }
  | { type: "message"; content: string }
  | { type: "leave" };

export type FromServer =
  | { type: "peers"; peers: string[] }
  | { type: "left"; peer: string }
  | { type: "create" }
  | { type: "outdated" }
  | { type: "join"; peer: string; request: string }
  | { type: "refused" }
  | { type: "commit"; from: string; epoch: number; commit: string }
  | { type: "late"; epoch: number }
  | { type: "welcome"; epoch: number; welcome: string }
  | { type: "message"; from: string; content: string };

const PAUSES = [200, 500, 1000, 2000];

export class Mailbox {
  /** Called for each message, in order. */
  onmessage: (message: FromServer) => void = () => {};
  /** Called when the connection is there, for the first time or again. */
  onopen: () => void = () => {};
  /** Called when it is gone; it is tried again. */
  onlost: () => void = () => {};
  #socket: WebSocket | null = null;
  #tries = 0;
  #closed = false;

  /** `position` says where the group is, whenever the connection is made. */
  constructor(readonly room: string, readonly peer: string, private readonly position: () => Position | null) {
    this.#connect();
  }

  send(message: ToServer): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Connects anew, and says anew where the group is. */
  restart(): void {
    this.#socket?.close();
  }

  /** Tells the others that this participant goes, and ends. */
  leave(): void {
    this.send({ type: "leave" });
    this.#closed = true;
    this.#socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(new URL("/mailbox", location.href.replace(/^http/, "ws")));
    this.#socket = socket;
    socket.onopen = () => {
      this.#tries = 0;
      socket.send(JSON.stringify({ type: "hello", room: this.room, peer: this.peer, at: this.position() }));
      this.onopen();
    };
    socket.onmessage = ({ data }) => this.onmessage(JSON.parse(data));
    socket.onclose = () => {
      if (this.#closed) return;
      this.onlost();
      setTimeout(() => this.#closed || this.#connect(), PAUSES[Math.min(this.#tries++, PAUSES.length - 1)]);
    };
  }
}
