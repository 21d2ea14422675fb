/** Sums the token usage of each model in a transcript, and computes the cost. Pure. */
import { TRANSCRIPT_MODELS_MAX } from "../../schemas/limits/transcripts.js";
import { isJsonObject } from "../../shared/json-object.js";

/** The tokens of one or more calls to a model, by kind. */
export interface Tokens {
  /** The input tokens that were not cached. */
  readonly input: number;
  readonly cache_write: number;
  readonly cache_read: number;
  readonly output: number;
}

export const NO_TOKENS: Tokens = { input: 0, cache_write: 0, cache_read: 0, output: 0 };
export const TOKEN_KINDS = [
  "input",
  "cache_write",
  "cache_read",
  "output",
] as const satisfies readonly (keyof Tokens)[];

/** The prices of each model, in dollars per million tokens. A missing price of a kind makes the cost unknown. */
export type Prices = Readonly<Record<string, Partial<Tokens>>>;

export interface ModelUsage extends Tokens {
  readonly provider: string;
  readonly model: string;
}

const MILLION = 1_000_000;
/** Matches a name that the server accepts: printable ASCII without spaces at the ends. */
const NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/;

/** Returns a number of tokens; 0 if the value is not a valid number. */
export function tokensIn(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : 0;
}

export function addTokens(a: Tokens, b: Tokens): Tokens {
  return mapTokens((kind) => Math.min(a[kind] + b[kind], Number.MAX_SAFE_INTEGER));
}

/** Returns by how much `a` is larger than `b`, for each kind of tokens. It is 0 if `a` is not larger. */
export function growthOf(a: Tokens, b: Tokens): Tokens {
  return mapTokens((kind) => Math.max(0, a[kind] - b[kind]));
}

export function largerOf(a: Tokens, b: Tokens): Tokens {
  return mapTokens((kind) => Math.max(a[kind], b[kind]));
}

export function isNothing(tokens: Tokens): boolean {
  return TOKEN_KINDS.every((kind) => tokens[kind] === 0);
}

function mapTokens(valueOf: (kind: keyof Tokens) => number): Tokens {
  return {
    input: valueOf("input"),
    cache_write: valueOf("cache_write"),
    cache_read: valueOf("cache_read"),
    output: valueOf("output"),
  };
}

export class UsageSums {
  readonly #sums = new Map<string, ModelUsage>();
  /**
   * The number of calls without a report, because their model has no usable name or because there are too many models.
   */
  leftOut = 0;

  add(provider: string, model: string, tokens: Tokens): void {
    if (isNothing(tokens)) return;
    const key = `${provider}\0${model}`;
    const known = this.#sums.get(key);
    if (known === undefined && (this.#sums.size >= TRANSCRIPT_MODELS_MAX || !isName(provider) || !isName(model))) {
      this.leftOut += 1;
      return;
    }
    this.#sums.set(key, { provider, model, ...addTokens(known ?? NO_TOKENS, tokens) });
  }

  list(): ModelUsage[] {
    return [...this.#sums.values()];
  }
}

/** Whether the server accepts a text as the name of a provider or a model. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Returns the cost in dollars; null if the model used a kind of tokens that has no price. */
export function costOf(usage: ModelUsage, prices: Prices): number | null {
  const price = Object.hasOwn(prices, usage.model) ? prices[usage.model] : undefined;
  if (price === undefined) return null;
  let cost = 0;
  for (const kind of TOKEN_KINDS) {
    if (usage[kind] === 0) continue;
    const each = price[kind];
    if (each === undefined) return null;
    cost += (usage[kind] * each) / MILLION;
  }
  return cost;
}

/** Reads `prices` in the user's settings. Returns undefined if it is malformed. */
export function readPrices(value: unknown): Prices | undefined {
  if (value === undefined) return {};
  if (!isJsonObject(value)) return undefined;
  const isPrice = (price: unknown): boolean => typeof price === "number" && price >= 0;
  for (const price of Object.values(value)) {
    if (!isJsonObject(price)) return undefined;
    const isKnown = (kind: string): boolean => (TOKEN_KINDS as readonly string[]).includes(kind);
    if (!Object.entries(price).every(([kind, each]) => isKnown(kind) && isPrice(each))) return undefined;
  }
  return value as Prices;
}
