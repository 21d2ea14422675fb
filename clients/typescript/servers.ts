/**
 * Holds the addresses of the servers, and a position in the cluster's log. A server must have applied the log up to
 * this position before it answers. All clients of one connection share the addresses and the position. No I/O.
 */
const POSITION_HEADER = "x-koor-position";
export const AFTER_HEADER = "x-koor-after";

/** Returns the position in an answer's headers; 0 if the server is not a node of a cluster. */
export function positionOf(headers: Headers): number {
  const text = headers.get(POSITION_HEADER) ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

export class Servers {
  /**
   * The addresses of the servers, in the order in which they are tried. Each is an origin with an optional path,
   * without a slash at its end.
   */
  #urls: readonly string[];
  #position = 0;

  constructor(urls: readonly string[]) {
    if (urls.length === 0) throw new TypeError("connect needs the url of a server");
    this.#urls = urls.map((url) => {
      if (!/^https?:$/.test(new URL(url).protocol)) throw new TypeError(`not an http or https URL: ${url}`);
      return url.replace(/\/+$/, "");
    });
  }

  get urls(): readonly string[] {
    return this.#urls;
  }

  /** The position that the servers must have reached; 0 if no server has reported one. */
  get position(): number {
    return this.#position;
  }

  /** Records the position that an answer states. The positions of one log only grow. */
  saw(position: number): void {
    if (position > this.#position) this.#position = position;
  }

  /** Replaces the position, because the cluster was started again with a shorter log. */
  resetPosition(position: number): void {
    this.#position = position;
  }

  /** Makes this server the first to try from now on. */
  switchTo(url: string): void {
    this.#urls = [url, ...this.#urls.filter((other) => other !== url)];
  }

  /** Makes this server the last to try from now on. */
  moveOnFrom(url: string): void {
    if (this.#urls[0] === url) this.#urls = [...this.#urls.slice(1), url];
  }
}
