/**
 * The group of those in the call (MLS, RFC 9420): lets in who knows the link, puts out who has gone, and follows the epochs.
 * Each member can commit changes; the first online leaf does, the next one if it does not, and the server takes the first commit
 * of each epoch.
 */

import { Member, type EpochKeys } from "../crypto/crypto.js";
import { fromBase64, toBase64 } from "./bytes.js";
import { Mailbox, type FromServer, type Position } from "./mailbox.js";

/** How long a member may be offline before it is put out. */
const ABSENCE = 8_000;

/** When to ask again to be let in: whoever would have done it may have gone. */
const ASK_AGAIN = 10_000;

/** How long each further member waits for those before it to commit. */
const TURN = 1_500;

export type Standing = "connecting" | "waiting" | "joined" | "refused";

export interface GroupEvents {
  /** A new epoch has begun. With `restarted`, it is one of a group that has not to do with the one before. */
  epoch(keys: EpochKeys, safetyCode: string, restarted: boolean, someoneLeft: boolean): void;
  /** A member says something. */
  message(peer: string, content: Uint8Array): void;
  standing(standing: Standing): void;
  /** Whether the server can be reached. */
  online(online: boolean): void;
}

export class Group {
  #member: Member;
  #mailbox: Mailbox;
  #restarted = true;
  #members: string[] = [];
  #online = new Set<string>();
  #offlineSince = new Map<string, number>();
  #left = new Set<string>();
  #requests = new Map<string, Uint8Array>();
  /** The own commit that is on its way to the server. */
  #committing: string | null = null;
  #isResuming = false;
  #timer = 0;
  #asking = 0;

  constructor(readonly room: string, private readonly secret: string, readonly peer: string, private readonly events: GroupEvents) {
    this.#member = new Member(room, secret, peer);
    this.#mailbox = new Mailbox(room, peer, () => this.#position());
    this.#mailbox.onmessage = (message) => this.#receive(message);
    this.#mailbox.onopen = () => {
      events.online(true);
      this.#isResuming = true;
      if (this.#member.epoch !== undefined) return;
      events.standing("waiting");
      this.#ask();
    };
    this.#mailbox.onlost = () => events.online(false);
  }

  /** Tells all members something. Before there is a group, nobody. */
  send(content: Uint8Array): void {
    if (this.#member.epoch !== undefined) {
      this.#mailbox.send({ type: "message", content: toBase64(this.#member.message(content)) });
    }
  }

  leave(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#asking);
    this.#mailbox.leave();
  }

  #position(): Position | null {
    const { groupId, epoch } = this.#member;
    return groupId && epoch !== undefined ? { group: toBase64(groupId), epoch } : null;
  }

  #ask(): void {
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => this.#member.epoch === undefined && this.#ask(), ASK_AGAIN);
    this.#mailbox.send({ type: "join", request: toBase64(this.#member.joinRequest()) });
  }

  #receive(message: FromServer): void {
    switch (message.type) {
      case "create":
        this.#member.create();
        this.#mailbox.send({ type: "created", at: this.#position()! });
        this.#turn();
        break;
      case "welcome":
        if (this.#member.epoch !== undefined) break;
        this.#member.join(fromBase64(message.welcome));
        this.#turn();
        break;
      case "commit":
        this.#follow(message.from, message.epoch, message.commit);
        break;
      case "late":
        this.#committing = null;
        this.#member.discard();
        this.#consider();
        break;
      case "message":
        this.#hear(fromBase64(message.content));
        break;
      case "join":
        this.#examine(message.peer, fromBase64(message.request));
        break;
      case "refused":
        if (this.#member.epoch === undefined) this.events.standing("refused");
        break;
      case "peers":
        this.#online = new Set(message.peers);
        for (const peer of this.#members) {
          if (!this.#online.has(peer) && !this.#offlineSince.has(peer)) this.#offlineSince.set(peer, Date.now());
        }
        for (const peer of this.#online) this.#offlineSince.delete(peer);
        for (const peer of this.#requests.keys()) if (!this.#online.has(peer)) this.#requests.delete(peer);
        // The first list after a lost connection: had the server taken our commit, it would have come before.
        if (this.#isResuming) this.#committing = null;
        this.#isResuming = false;
        this.#consider();
        break;
      case "left":
        this.#left.add(message.peer);
        this.#consider();
        break;
      case "outdated":
        this.#rejoin();
    }
  }

  /** Who asks has to know the link. The server may say what it wants about who it is. */
  #examine(peer: string, request: Uint8Array): void {
    try {
      if (this.#member.checkRequest(request) !== peer) throw new Error("a request in another's name");
      this.#requests.set(peer, request);
      this.#left.delete(peer);
      this.#consider();
    } catch {
      this.#mailbox.send({ type: "refuse", peer });
    }
  }

  /** Takes a commit that the server has put in order. */
  #follow(from: string, epoch: number, commit: string): void {
    if (this.#member.epoch === undefined || epoch < this.#member.epoch) return;
    try {
      if (epoch > this.#member.epoch) throw new Error("a commit is missing");
      if (from === this.peer) {
        if (commit !== this.#committing) throw new Error("a commit of ours that we do not know");
        this.#member.accepted();
      } else {
        this.#member.discard();
        if (this.#member.receive(fromBase64(commit)).kind === "removed") return this.#rejoin();
      }
    } catch (error) {
      console.warn("the group went on without us:", error);
      return this.#rejoin();
    }
    this.#committing = null;
    this.#turn();
  }

  #hear(content: Uint8Array): void {
    if (this.#member.epoch === undefined) return;
    try {
      const received = this.#member.receive(content);
      if (received.kind === "message") this.events.message(received.peer!, received.content!);
    } catch {
      // From an epoch that is over. Who sent it says it again in each epoch.
    }
  }

  /** A new epoch has begun. */
  #turn(): void {
    const keys = this.#member.epochKeys();
    const someoneLeft = this.#members.some((peer) => !keys.peers.includes(peer));
    this.#members = keys.peers;
    for (const peer of keys.peers) {
      if (peer !== this.peer && !this.#online.has(peer) && !this.#offlineSince.has(peer)) this.#offlineSince.set(peer, Date.now());
      if (!this.#left.has(peer)) this.#requests.delete(peer);
    }
    // Who has been put out may come back, and begins anew.
    for (const peer of this.#left) if (!keys.peers.includes(peer)) this.#left.delete(peer);
    for (const peer of this.#offlineSince.keys()) if (!keys.peers.includes(peer)) this.#offlineSince.delete(peer);
    this.events.standing("joined");
    this.events.epoch(keys, this.#member.safetyCode(), this.#restarted, someoneLeft);
    this.#restarted = false;
    this.#consider();
  }

  /** Begins anew: the group went on without us. */
  #rejoin(): void {
    this.#member = new Member(this.room, this.secret, this.peer);
    this.#restarted = true;
    this.#members = [];
    this.#committing = null;
    this.#mailbox.restart();
  }

  /** Adds and removes, if it is this member's turn. */
  #consider(): void {
    clearTimeout(this.#timer);
    if (this.#member.epoch === undefined || this.#committing) return;
    const now = Date.now();
    const isGone = (peer: string) =>
      peer !== this.peer && (this.#left.has(peer) || now - (this.#offlineSince.get(peer) ?? now) >= ABSENCE);
    const gone = this.#members.filter(isGone);
    const requests = [...this.#requests];
    if (!gone.length && !requests.length) {
      if (this.#offlineSince.size) this.#timer = setTimeout(() => this.#consider(), ABSENCE / 4);
      return;
    }
    const able = this.#members.filter((peer) => this.#online.has(peer) && !gone.includes(peer));
    const turn = Math.max(0, able.indexOf(this.peer)) * TURN;
    if (turn === 0) this.#commit(requests, gone);
    else this.#timer = setTimeout(() => this.#commit(requests, gone), turn);
  }

  #commit(requests: [string, Uint8Array][], gone: string[]): void {
    const at = this.#position();
    if (!at || this.#committing) return;
    // Who asks though it is a member has lost its state.
    const again = requests.map(([peer]) => peer).filter((peer) => this.#members.includes(peer));
    const removed = [...new Set([...gone, ...again])].filter((peer) => this.#members.includes(peer));
    try {
      const { commit, welcome } = this.#member.commit(requests.map(([, request]) => request), removed);
      this.#committing = toBase64(commit);
      const welcomed = requests.map(([peer]) => peer);
      this.#mailbox.send({
        type: "commit", at, commit: this.#committing, welcome: welcome ? toBase64(welcome) : null, welcomed,
      });
    } catch (error) {
      // One of the requests is of no use. They ask again.
      console.warn("nobody added:", error);
      this.#requests.clear();
    }
  }
}
