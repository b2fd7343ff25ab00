/** Who is speaking, and who spoke last: in a call with more members than a page has room for, these are received. */

/** Who has spoken within so many milliseconds keeps their place, so that sounds do not come and go while many speak. */
const HOLD = 3_000;

export class Speakers {
  #last = new Map<string, number>();
  /** Members who are speaking, according to the media server. */
  #speaking = new Set<string>();

  /** A member is speaking. */
  spoke(peer: string): void {
    this.#last.set(peer, Date.now());
  }

  /** A member starts or stops speaking, whether received here or not. */
  tell(peer: string, speaks: boolean): void {
    if (speaks || this.#speaking.has(peer)) this.spoke(peer);
    if (speaks) this.#speaking.add(peer);
    else this.#speaking.delete(peer);
  }

  /** When a member last spoke, in milliseconds since 1970; 0 if never. */
  last(peer: string): number {
    return this.#speaking.has(peer) ? Date.now() : (this.#last.get(peer) ?? 0);
  }

  /** Of these, those who spoke last, `current` ones first among equals. */
  latest(peers: string[], most: number, current: ReadonlySet<string>): string[] {
    if (peers.length <= most) return peers;
    const since = Date.now() - HOLD;
    const ranked = peers.map((peer) => {
      const last = this.last(peer);
      const isCurrent = current.has(peer);
      return { peer, last, isCurrent, isHeld: isCurrent && last > since };
    });
    ranked.sort((a, b) => Number(b.isHeld) - Number(a.isHeld) || (a.isHeld ? 0 : b.last - a.last) || Number(b.isCurrent) - Number(a.isCurrent));
    return ranked.slice(0, most).map(({ peer }) => peer);
  }
}
