/**
 * Sends requests: to the first server that answers, and again where that is safe.
 *
 * A request is sent again only if the server has certainly not executed it, or if executing it twice has the effect of
 * once. An own 429, 503 or 507 of Koor says that nothing was stored. A lost answer says nothing, so only a repeatable
 * request is then sent again.
 */
import { pauseMs, retryAfterMs } from "./back-off.js";
import { readBody } from "./body.js";
import { Deadline, type CallOptions } from "./deadline.js";
import { errorOf, isErrorBody, KoorError, TimeoutError, UnavailableError } from "./errors.js";
import { findHealthier } from "./isolation.js";
import { isUnsent } from "./unsent.js";
import { logEnd } from "./log-end.js";
import { AFTER_HEADER, positionOf, type Servers } from "./servers.js";

/** The longest time for a call, if neither the call nor the connection sets one. */
const TIMEOUT_MS_DEFAULT = 30_000;
const RETRIES_DEFAULT = 8;
/** The longest time to look for a healthy node. */
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
  /** Whether executing the request twice has the effect of once. GET always is. */
  readonly repeatable?: boolean;
  /**
   * The time for which a server may hold the request before it answers, in ms. The call may take this much longer for
   * each server that is asked.
   */
  readonly waitMs?: number;
  /** The longest time until one server begins to answer, in ms. */
  readonly answerMs?: number;
}

/** How a client identifies itself, and how it tries again. */
export interface TransportOptions {
  readonly token?: string | undefined;
  readonly instance?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** How often a call is tried again, 8 times by default. */
  readonly retries?: number | undefined;
}

/** An answer with its whole body. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The outcome of sending a request to one server: an answer, or an error with what to do about it. */
interface Attempt<Got> {
  readonly got?: Got;
  readonly error?: unknown;
  /** Whether another server may be asked. */
  readonly mayMove: boolean;
  readonly retryAfterMs: number;
  /** Whether the server did not answer. */
  readonly isSilent?: boolean;
  /** The position of a server that lags behind the position of the request. */
  readonly lagsAt?: number;
}

/** Reads the body of an answer, or opens it. */
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

/** Statuses after which another server may answer. Of these, Koor's 429, 503 and 507 say that nothing was stored. */
const MOVABLE = new Set([429, 502, 503, 504, 507]);
const NOT_STORED = new Set([429, 503, 507]);
/** Statuses after which the same server may answer later. */
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

  /** Returns a transport of another caller, to the same servers. */
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

  /** Sends a request. Fails with a KoorError, or with the reason of a signal. */
  send(plan: RequestPlan, options: CallOptions = {}): Promise<Answer> {
    return this.#call(plan, options, receiveWhole);
  }

  /**
   * Opens a stream at the first server that answers, without a retry. The deadline covers the stream, too. Fails like
   * `send`.
   */
  async open(plan: RequestPlan, deadline: Deadline): Promise<Response> {
    const attempt = await this.#round(plan, deadline, (response) => Promise.resolve(response));
    if (attempt.got === undefined) throw attempt.error;
    return attempt.got;
  }

  async #call<Got>(plan: RequestPlan, options: CallOptions, receive: Receive<Got>): Promise<Got> {
    // Each server that may be asked may hold the request.
    const askedMax = isRepeatable(plan) ? this.#servers.urls.length : 1;
    const ownMs = options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
    const timeoutMs = ownMs + (plan.waitMs ?? 0) * askedMax;
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

  /** Sends the request to each server once, until one answers. Returns the last outcome. */
  async #round<Got>(plan: RequestPlan, deadline: Deadline, receive: Receive<Got>): Promise<Attempt<Got>> {
    const { urls, position } = this.#servers;
    let last: Attempt<Got> = { mayMove: false, retryAfterMs: 0 };
    let lagsAt: number | undefined;
    for (const [at, url] of urls.entries()) {
      deadline.signal.throwIfAborted();
      // Servers that are still to be asked keep their share of the time, because this one may say nothing.
      const serversLeft = urls.length - at;
      const shareMs = serversLeft > 1 && isRepeatable(plan) ? deadline.leftMs() / serversLeft : Infinity;
      last = await this.#attempt(url, plan, deadline, Math.min(shareMs, plan.answerMs ?? Infinity), receive);
      if (last.got !== undefined) return last;
      // A server that did not answer is asked last by the next call, also if this call cannot be sent again.
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
        // A server that moves the client elsewhere would get the token there.
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
      // The answer may be a stream, which still ends with the deadline of the call.
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
   * Moves to a healthy server if the current one is halted or cut off from its cluster, because that one learns nothing
   * new. Costs nothing with one server. Returns whether it has moved.
   * @param answeredFrom the address of an answer, if it came from another server than the current one
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
   * Resets the position if the cluster's log ends before it. No server can then reach the position, because the cluster
   * was started again. If the servers only lag, the position stays, because they reach it by themselves.
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
