/**
 * Contracts on the front: bodies go to the pool unread, a live test's call is carried by the front's loop
 * (src/outbound), what is long takes turns, and live tests are few at a time. That a schema makes much of a
 * short payload shows only once it did: from then on its contract's payloads count as long, until one is
 * done with quickly. Routes are rows over this.
 */
import type { ContractCall, ContractTest, Violation } from "../../schemas/contracts.js";
import {
  CONTRACT_ANSWER_BYTES_MAX,
  CONTRACT_TESTS_MAX,
  CONTRACTS_DEAR_KEPT_MAX,
  OUTBOUND_DEADLINE_MS,
  VALIDATION_SHORT_BYTES_MAX,
  VALIDATION_SHORT_MS_MAX,
} from "../../schemas/limits.js";
import { buffersOf, packBytes, type PackedBytes } from "../base/bytes.js";
import { Failure } from "../base/result.js";
import type { OutboundClient } from "../outbound/client.js";
import { OutboundFailure, parseOutboundUrl } from "../outbound/url.js";
import type { JobOptions, Pool } from "../rpc/pool.js";

/** Work that keeps a thread of the pool for long takes turns; null where there was none in time. */
export interface LongWork {
  take(): Promise<(() => void) | null>;
}

export interface ContractFrontOptions {
  readonly pool: Pool;
  readonly outbound: OutboundClient;
  readonly long_work: LongWork;
}

const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy with long validations, try again");
const TESTS_BUSY = new Failure("RESOURCE_EXHAUSTED", `${CONTRACT_TESTS_MAX} live tests are under way, try again`);
const STOPPING = new Failure("UNAVAILABLE", "the server is shutting down");

/** Failures of a call that say something of the service, and not of Koor or of the request. */
const OF_THE_SERVICE: ReadonlySet<OutboundFailure["kind"]> = new Set(["unreachable", "timeout", "too_large"]);

export class ContractFront {
  readonly #pool: Pool;
  readonly #outbound: OutboundClient;
  readonly #long_work: LongWork;
  /** Contracts of which the last payload did not end in time; the oldest are forgotten. */
  readonly #dear = new Set<string>();
  #tests = 0;

  constructor({ pool, outbound, long_work }: ContractFrontOptions) {
    this.#pool = pool;
    this.#outbound = outbound;
    this.#long_work = long_work;
  }

  /** How many violations there are, and JSON text of `{"valid","violations"}`. */
  async validate(
    project: string,
    name: string,
    body: Uint8Array,
  ): Promise<{ readonly count: number; readonly text: string } | Failure> {
    const answer = await this.#inTurn(project, name, body, (packed, options) =>
      this.#pool.run("contract.validate", { project, name, body: packed }, options),
    );
    if (answer instanceof Failure) return answer;
    const end = answer.indexOf("\n");
    return { count: Number(answer.slice(0, end)), text: answer.slice(end + 1) };
  }

  /** JSON text of a live test's result. */
  async test(project: string, name: string, body: Uint8Array, signal: AbortSignal): Promise<string | Failure> {
    if (this.#tests >= CONTRACT_TESTS_MAX) return TESTS_BUSY;
    this.#tests += 1;
    try {
      return await this.#test(project, name, body, signal);
    } finally {
      this.#tests -= 1;
    }
  }

  async #test(project: string, name: string, body: Uint8Array, signal: AbortSignal): Promise<string | Failure> {
    const prepared = await this.#inTurn(project, name, body, (packed, options) =>
      this.#pool.run("contract.prepare", { project, name, body: packed }, options),
    );
    if (prepared instanceof Failure) return prepared;
    const end = prepared.indexOf("\n");
    const call = JSON.parse(prepared.slice(0, end)) as ContractCall;
    const base = parseOutboundUrl(call.base_url, "base_url", this.#outbound.policy);
    if (base instanceof Failure) return base;
    if (call.url === null) return resultOf(call, 0, [], call.error);
    const url = parseOutboundUrl(call.url, "base_url", this.#outbound.policy);
    if (url instanceof Failure) return url;
    const content = call.has_body ? prepared.slice(end + 1) : null;
    const answer = await this.#outbound.request(url, {
      method: call.method,
      headers: {
        Accept: "application/json",
        "User-Agent": "koor",
        ...(content === null ? {} : { "Content-Type": "application/json" }),
      },
      body: content,
      deadline_ms: OUTBOUND_DEADLINE_MS,
      answer_bytes_max: CONTRACT_ANSWER_BYTES_MAX,
      signal,
    });
    if (answer instanceof OutboundFailure) {
      if (OF_THE_SERVICE.has(answer.kind)) return resultOf(call, 0, [], answer.message);
      return answer.kind === "aborted" ? STOPPING : answer;
    }
    const request = { project, name, version: call.version, endpoint: call.endpoint, status: answer.status };
    const judged = await this.#inTurn(project, name, answer.body, (packed, options) =>
      this.#pool.run("contract.judge", { ...request, body: packed }, options),
    );
    return judged instanceof Failure ? judged : resultOf(call, answer.status, JSON.parse(judged) as Violation[], "");
  }

  /** Runs a contract's job over a payload, in its turn where it is long. Nobody here needs the payload again: its buffer is given away. */
  async #inTurn(
    project: string,
    name: string,
    payload: Uint8Array,
    job: (packed: PackedBytes, options: JobOptions) => Promise<string | Failure>,
  ): Promise<string | Failure> {
    const contract = `${project}\n${name}`;
    const run = (): Promise<string | Failure> => {
      const packed = packBytes(payload);
      return job(packed, { transfer: buffersOf(packed) });
    };
    if (payload.byteLength <= VALIDATION_SHORT_BYTES_MAX && !this.#dear.has(contract))
      return await this.#watch(contract, run);
    const release = await this.#long_work.take();
    if (release === null) return BUSY;
    try {
      return await this.#watch(contract, run);
    } finally {
      release();
    }
  }

  /** Runs a job and sees how long it takes. A full pool may make it look dear, but not for ever. */
  async #watch(contract: string, run: () => Promise<string | Failure>): Promise<string | Failure> {
    const begun_ms = performance.now();
    const answer = await run();
    if (answer instanceof Failure && answer.status === "DEADLINE_EXCEEDED") {
      const [oldest] = this.#dear;
      if (this.#dear.size >= CONTRACTS_DEAR_KEPT_MAX && oldest !== undefined) this.#dear.delete(oldest);
      this.#dear.add(contract);
    } else if (performance.now() - begun_ms <= VALIDATION_SHORT_MS_MAX) {
      this.#dear.delete(contract);
    }
    return answer;
  }
}

function resultOf(
  call: ContractCall,
  status_code: number,
  response_violations: readonly Violation[],
  error: string,
): string {
  const { endpoint, request_violations } = call;
  const valid = error === "" && request_violations.length === 0 && response_violations.length === 0;
  return JSON.stringify({
    valid,
    endpoint,
    status_code,
    request_violations: [...request_violations],
    response_violations: [...response_violations],
    error,
  } satisfies ContractTest);
}
