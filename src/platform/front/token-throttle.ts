/**
 * Limits how fast a client can guess tokens, as bearer tokens and at log-in. An address that has sent too many wrong
 * tokens is paused. A wrong bearer token that is sent again counts only as a fraction of a guess; the throttle
 * recognizes it by its digest. Pure, except for its own state and the clock.
 */
import { isIPv6 } from "node:net";
import {
  BEARER_REPEATS_A_GUESS,
  LOG_IN_ADDRESSES_MAX,
  LOG_IN_PAUSE_MS,
  LOG_IN_WINDOW_MS,
  LOG_IN_WRONG_MAX,
} from "../../../schemas/limits/tokens.js";
import type { Clock } from "../../base/clock.js";
import { AgingMap } from "../../base/aging-map.js";

/** A wrong token. */
interface Guess {
  /** When the token was first tried, in ms. */
  readonly at_ms: number;
  /** The SHA-256 of a bearer token, in hex; null for a log-in. Every wrong log-in counts as a new guess. */
  readonly digest: string | null;
  readonly times: number;
}

interface Attempts {
  /** The wrong tokens, the oldest first; at most LOG_IN_WRONG_MAX. */
  readonly guesses: readonly Guess[];
  readonly pausedUntilMs: number;
}

export class TokenThrottle {
  readonly #clock: Clock;
  /** The wrong tokens of each address. The addresses are in the order of their last wrong token, the oldest first. */
  readonly #addresses = new AgingMap<string, Attempts>();
  /** The time at which the last pause of any address ends. */
  #pausedUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of addresses that are remembered. */
  get size(): number {
    return this.#addresses.size;
  }

  /** Whether any address may be paused now. If false, the caller need not look up an address. */
  get pauses(): boolean {
    return this.#pausedUntilMs > 0 && this.#clock.now() < this.#pausedUntilMs;
  }

  /** Returns the remaining pause of an address in ms; 0 if it is not paused. Tokens are not checked during a pause. */
  pauseOf(peer: string): number {
    const untilMs = this.#addresses.get(addressKey(peer))?.pausedUntilMs ?? 0;
    return Math.max(0, untilMs - this.#clock.now());
  }

  /**
   * Records a wrong token. Returns whether the address is now paused because of it. Later valid tokens do not reset the
   * count.
   * @param digest as in `Guess`
   */
  recordWrong(peer: string, digest: string | null): boolean {
    const key = addressKey(peer);
    const nowMs = this.#clock.now();
    const before = (this.#addresses.get(key)?.guesses ?? []).filter(({ at_ms }) => nowMs - at_ms < LOG_IN_WINDOW_MS);
    const known = digest === null ? undefined : before.find((guess) => guess.digest === digest);
    const guesses =
      known === undefined
        ? [...before, { at_ms: nowMs, digest, times: 1 }]
        : before.map((guess) => (guess === known ? { ...known, times: known.times + 1 } : guess));
    const count = guesses.reduce((sum, { times }) => sum + 1 + (times - 1) / BEARER_REPEATS_A_GUESS, 0);
    const pauses = count >= LOG_IN_WRONG_MAX;
    if (pauses) this.#pausedUntilMs = nowMs + LOG_IN_PAUSE_MS;
    this.#addresses.delete(key);
    this.#addresses.set(
      key,
      pauses ? { guesses: [], pausedUntilMs: nowMs + LOG_IN_PAUSE_MS } : { guesses, pausedUntilMs: 0 },
    );
    this.#addresses.limitTo(LOG_IN_ADDRESSES_MAX);
    return pauses;
  }
}

/**
 * Returns the key under which the wrong tokens of an address are counted. For IPv4 it is the address, even if the
 * address is embedded in IPv6. For IPv6 it is the /64 network, because one machine may own a whole /64.
 */
export function addressKey(peer: string): string {
  const [address = ""] = peer.split("%");
  if (!isIPv6(address)) return address;
  const groups = ipv6Groups(address);
  const embedded = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (embedded)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join(".");
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

/** Returns the eight 16-bit groups of an IPv6 address in any notation. */
function ipv6Groups(address: string): number[] {
  const hex = address.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = [], tail = []] = hex
    .split("::")
    .map((part) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16))));
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}
