/**
 * Sends requests to the first server that answers, and repeats them if that is safe. It is safe if the server has
 * certainly not executed the request: for example, if Koor itself answers with 429, 503 or 507, nothing was stored. If
 * the answer is lost, the outcome is unknown. Then a request is repeated only if executing it twice has the same effect
 * as once.
 */
import { pauseMs, retryAfterMs } from "./back-off.js";
import { readBody } from "./body.js";
import { Deadline, type CallOptions } from "./deadline.js";
import { errorOf, isErrorBody, KoorError, TimeoutError, UnavailableError } from "./errors.js";
import { findHealthier } from "./isolation.js";
import { isUnsent } from "./unsent.js";
import { logEnd } from "./log-end.js";
import { AFTER_HEADER, positionOf, type Servers } from "./servers.js";

/** The maximum time for a call in ms, if neither the call nor the connection sets one. */
const TIMEOUT_MS_DEFAULT = 30_000;
const RETRIES_DEFAULT = 8;
/** The maximum time of the search for a healthy node, in ms. */
const HEALTH_TIMEOUT_MS = 2000;

type QueryValue = string | number | boolean | undefined;
export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[]>>;

export interface RequestPlan {
  readonly method: string;
  /** The percent-encoded path, which begins with a slash. */
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** Whether executing the request twice has the same effect as once. A GET always has. */
  readonly repeatable?: boolean;
  /**
   * How long a server may delay the answer, in ms. The time limit of the call grows by this time for each server that
   * is tried.
   */
  readonly waitMs?: number;
  /** The maximum time until a server begins to answer, in ms. */
  readonly answerMs?: number;
}

/** The options that identify a client and control its retries. */
export interface TransportOptions {
  readonly token?: string | undefined;
  readonly instance?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** How often a call is retried; 8 times by default. */
  readonly retries?: number | undefined;
}

/** An answer with its whole body. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The result of sending a request to one server: an answer, or an error and the possible next steps. */
interface Attempt<Got> {
  readonly got?: Got;
  readonly error?: unknown;
  /** Whether the request may be sent to another server. */
  readonly mayMove: boolean;
  readonly retryAfterMs: number;
  /** Whether the server has not sent a complete answer. */
  readonly isSilent?: boolean;
  /** The log position of the server, if it is lower than the position that the request requires. */
  readonly lagsAt?: number;
}

/** Reads or opens the body of an answer. */
type Receive<Got> = (response: Response) => Promise<Got>;

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function receiveWhole(response: Response): Promise<Answer> {
  const bytes = await readBody(response);
  return { status: response.status, headers: response.headers, bytes };
}

function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? (value as readonly QueryValue[]) : [value as QueryValue])
      if (one !== undefined) parameters.append(name, typeof one === "boolean" ? String(Number(one)) : String(one));
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

/**
 * After these statuses, another server may succeed. If Koor itself has sent a status in NOT_STORED, nothing was stored.
 */
const MOVABLE = new Set([429, 502, 503, 504, 507]);
const NOT_STORED = new Set([429, 503, 507]);
/** The statuses after which the same server may succeed later. 0 means that there was no answer. */
const LATER = new Set([0, 429, 502, 503]);

export class Transport {
  readonly #servers: Servers;
  readonly #options: TransportOptions;

  constructor(servers: Servers, options: TransportOptions) {
    this.#servers = servers;
    this.#options = options;
  }

  /** Whether calls carry a token. */
  get hasToken(): boolean {
    return this.#options.token !== undefined;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  /** Returns the maximum time for a call in ms, without the time for which the server may delay the answer. */
  timeoutMs(options: CallOptions): number {
    return options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
  }

  /** Returns a transport for another caller, with the same servers. */
  as(caller: TransportOptions): Transport {
    return new Transport(this.#servers, { ...this.#options, ...caller });
  }

  /** Sends a request with a JSON body, and returns the parsed answer. */
  async json<Result>(plan: RequestPlan & { json?: unknown }, options?: CallOptions): Promise<Result> {
    const { json, ...rest } = plan;
    const withBody = json === undefined ? rest : { ...rest, body: JSON.stringify(json) };
    const { bytes } = await this.send(withBody, options);
    return JSON.parse(textOf(bytes)) as Result;
  }

  /** Sends a request. Fails with a KoorError, or with the reason of a signal that has fired. */
  send(plan: RequestPlan, options: CallOptions = {}): Promise<Answer> {
    return this.#call(plan, options, receiveWhole);
  }

  /**
   * Opens a stream at the first server that answers, without retries. The deadline also limits the time of the stream.
   * Fails like `send`.
   */
  async open(plan: RequestPlan, deadline: Deadline): Promise<Response> {
    const attempt = await this.#round(plan, deadline, (response) => Promise.resolve(response));
    if (attempt.got === undefined) throw attempt.error;
    return attempt.got;
  }

  async #call<Got>(plan: RequestPlan, options: CallOptions, receive: Receive<Got>): Promise<Got> {
    // Each server that is tried may delay the answer by `waitMs`.
    const askedMax = isRepeatable(plan) ? this.#servers.urls.length : 1;
    const timeoutMs = this.timeoutMs(options) + (plan.waitMs ?? 0) * askedMax;
    const deadline = new Deadline(timeoutMs, [this.#options.signal, options.signal]);
    try {
      for (let attempt = 0; ; attempt++) {
        const { got, error, mayMove, retryAfterMs: afterMs } = await this.#round(plan, deadline, receive);
        if (got !== undefined) return got;
        const isLater = error instanceof KoorError && LATER.has(error.status);
        const timeMs = pauseMs(attempt, afterMs);
        const isLast = attempt >= (this.#options.retries ?? RETRIES_DEFAULT) || timeMs >= deadline.leftMs();
        if (!mayMove || !isLater || isLast) throw error;
        await deadline.pause(timeMs);
      }
    } finally {
      deadline.end();
    }
  }

  /**
   * Sends the request to each server in turn, until one answers. Tries each server at most once. Returns the last
   * outcome.
   */
  async #round<Got>(plan: RequestPlan, deadline: Deadline, receive: Receive<Got>): Promise<Attempt<Got>> {
    const { urls, position } = this.#servers;
    let last: Attempt<Got> = { mayMove: false, retryAfterMs: 0 };
    let lagsAt: number | undefined;
    for (const [at, url] of urls.entries()) {
      deadline.signal.throwIfAborted();
      // Divide the remaining time among the servers that were not tried yet, because this server may not answer at all.
      const serversLeft = urls.length - at;
      const shareMs = serversLeft > 1 && isRepeatable(plan) ? deadline.leftMs() / serversLeft : Infinity;
      last = await this.#attempt(url, plan, deadline, Math.min(shareMs, plan.answerMs ?? Infinity), receive);
      if (last.got !== undefined) return last;
      // If this server has not answered, later calls try it last. That is also so if the current call must not be
      // repeated.
      if (last.mayMove || last.isSilent === true) this.#servers.moveOnFrom(url);
      if (!last.mayMove) return last;
      if (last.lagsAt !== undefined) lagsAt = Math.max(lagsAt ?? 0, last.lagsAt);
    }
    if (lagsAt !== undefined) await this.#resetLostPosition(position, deadline);
    return last;
  }

  async #attempt<Got>(
    url: string,
    plan: RequestPlan,
    deadline: Deadline,
    limitMs: number,
    receive: Receive<Got>,
  ): Promise<Attempt<Got>> {
    const after = this.#servers.position;
    const part = limitMs === Infinity ? deadline : new Deadline(limitMs, [deadline.signal]);
    let isReading = false;
    try {
      const response = await fetch(`${url}${withQuery(plan.path, plan.query)}`, {
        method: plan.method,
        headers: this.#headers(plan, after),
        body: plan.body ?? null,
        // A redirect is an error, because the server to which it leads would get the token.
        redirect: "error",
        signal: part.signal,
      });
      isReading = true;
      const position = positionOf(response.headers);
      const lagging = response.status === 503 && position > 0 && position < after ? { lagsAt: position } : {};
      this.#servers.saw(position);
      if (response.ok || response.status === 304) {
        const got = await receive(response);
        return { got, mayMove: false, retryAfterMs: 0 };
      }
      const error = errorOf(response.status, textOf(await readBody(response)));
      const isSafe = isRepeatable(plan) || (NOT_STORED.has(error.status) && isErrorBody(error.body));
      const mayMove = MOVABLE.has(error.status) && isSafe;
      return { error, mayMove, retryAfterMs: retryAfterMs(response.headers), ...lagging };
    } catch (error) {
      if (deadline.signal.aborted) {
        const reason: unknown = deadline.signal.reason;
        if (reason instanceof TimeoutError) this.#servers.moveOnFrom(url);
        throw reason;
      }
      const wasSent = isReading || part.signal.aborted || !isUnsent(error);
      const known: unknown = part.signal.aborted ? part.signal.reason : error;
      const failure =
        known instanceof UnavailableError
          ? known
          : new UnavailableError(`cannot reach ${url}`, { cause: error, outcomeUnknown: wasSent });
      return { error: failure, mayMove: !wasSent || isRepeatable(plan), retryAfterMs: 0, isSilent: true };
    } finally {
      // The answer may be a stream. So remove the time limit of this attempt, and keep only the deadline of the call.
      if (part !== deadline) part.lift();
    }
  }

  #headers(plan: RequestPlan, after: number): Record<string, string> {
    const { token, instance } = this.#options;
    return {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(instance === undefined ? {} : { "x-koor-instance": instance }),
      ...(after === 0 ? {} : { [AFTER_HEADER]: String(after) }),
      ...(typeof plan.body === "string" ? { "content-type": "application/json" } : {}),
      ...plan.headers,
    };
  }

  /**
   * Switches to a healthy server if the current one has halted or is cut off from its cluster, because it then learns
   * nothing new. Does nothing if there is only one server. Returns whether it has switched.
   * @param answeredFrom the address of the server that answered, if it is not the current server
   */
  async leaveIsolated(signal?: AbortSignal, answeredFrom = ""): Promise<boolean> {
    const { urls } = this.#servers;
    if (urls.length === 1) return false;
    const server = urls.find((url) => answeredFrom.startsWith(`${url}/`)) ?? urls[0] ?? "";
    const others = urls.filter((url) => url !== server);
    const deadline = new Deadline(HEALTH_TIMEOUT_MS, [this.#options.signal, signal]);
    try {
      const healthy = await findHealthier(server, others, deadline.signal);
      if (healthy !== undefined) this.#servers.switchTo(healthy);
      return healthy !== undefined;
    } finally {
      deadline.end();
    }
  }

  /**
   * Resets the position if the cluster's log ends before it. The cluster was then started again with a shorter log, so
   * no server can ever reach the position. If servers only lag behind, they reach it by themselves, and the position
   * stays.
   */
  async #resetLostPosition(position: number, deadline: Deadline): Promise<void> {
    const headers = this.#headers({ method: "GET", path: "" }, 0);
    const end = await logEnd(this.#servers.urls, headers, deadline.signal);
    if (end !== undefined && end < position && position === this.#servers.position) this.#servers.resetPosition(end);
  }
}

function isRepeatable(plan: RequestPlan): boolean {
  return plan.method === "GET" || plan.repeatable === true;
}
