/**
 * Handles the requests about contracts. It passes bodies to the pool without reading them, and sends the HTTP requests
 * of live tests (src/outbound). Runs on the front.
 *
 * Checks of large payloads wait for a permit, and only a few live tests run at a time. A schema can make even a short
 * payload expensive. After the first slow check, all payloads of that contract count as large (threads/slow-lane.ts).
 */
import type { ContractCall, ContractTest, ContractWarning, Violation } from "../../../schemas/contracts.js";
import { CONTRACT_ANSWER_BYTES_MAX, CONTRACT_TESTS_MAX } from "../../../schemas/limits/contracts.js";
import { OUTBOUND_DEADLINE_MS } from "../../../schemas/limits/outbound.js";
import { splitSpecKey } from "../../../schemas/specs.js";
import { packBytes, type PackedBytes } from "../../base/bytes.js";
import { Failure } from "../../base/result.js";
import { jsonReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import type { OutboundClient } from "../../platform/outbound/client.js";
import { OutboundFailure, parseOutboundUrl } from "../../platform/outbound/url.js";
import { OUTBOUND_USER_AGENT } from "../../platform/outbound/user-agent.js";
import { callerOf, type CallContext } from "../../platform/rpc/frames.js";
import type { ReplyOf, RequestOf } from "../../platform/rpc/method.js";
import type { SlowLane } from "../../platform/threads/slow-lane.js";
import type { UnaryJob } from "../../platform/threads/pool-method.js";
import type { VersionedReader } from "../versioned/table.js";
import { examineContract, checkContractTest, prepareContractTest, validateContract } from "./jobs.js";

export interface ContractFrontOptions {
  readonly outbound: OutboundClient;
  readonly slowLane: SlowLane;
  /** Reads through the front's own database handle. */
  readonly specs: VersionedReader;
}

/** The path parameters that name a contract. */
type Named = readonly [project: string, name: string];

/**
 * To estimate the work on stored specs, the front looks up the lengths of at most this many specs. Work on more specs
 * always counts as long. A template may store a thousand specs, and a thousand look-ups would delay other requests.
 */
const LOOKED_UP_MAX = 64;

/** A spec that was just stored, with its new version. */
export interface WrittenSpec {
  readonly key: string;
  readonly version: number;
}

/** The common fields of all jobs that check a payload: the name of a contract, and the payload. */
interface Payload {
  readonly project: string;
  readonly name: string;
  readonly body: PackedBytes;
}

const TESTS_BUSY = new Failure("RESOURCE_EXHAUSTED", `${CONTRACT_TESTS_MAX} live tests are under way, try again`);
const STOPPING = new Failure("UNAVAILABLE", "the server is shutting down");

/** The failures that the tested service causes. A test reports them as its result. */
const SERVICE_FAILURES: ReadonlySet<OutboundFailure["kind"]> = new Set(["unreachable", "timeout", "too_large"]);

type CheckRequest = Pick<Request, "body" | "context">;

export class ContractFront {
  readonly #outbound: OutboundClient;
  readonly #slowLane: SlowLane;
  readonly #specs: VersionedReader;
  #tests = 0;

  constructor({ outbound, slowLane, specs }: ContractFrontOptions) {
    this.#outbound = outbound;
    this.#slowLane = slowLane;
    this.#specs = specs;
  }

  /** Checks the payload in the request's body against the contract. */
  async validate([project, name]: Named, request: CheckRequest): Promise<Answer> {
    const asked = { project, name, body: packBytes(request.body) };
    const answer = await this.#run(validateContract, asked, callerOf(request.context));
    if (answer instanceof Failure) return answer;
    return jsonReply(answer.text, 200, answer.count === 0 ? null : { violations: answer.count });
  }

  /**
   * Returns warnings about specs that a request has just stored. A warning names a problem in the definition of a
   * contract.
   * @param written the keys and versions of the stored specs
   */
  async examine(written: readonly WrittenSpec[], context: CallContext): Promise<readonly ContractWarning[]> {
    if (written.length === 0) return [];
    const stored = written.map(({ key, version }) => ({ ...splitSpecKey(key), version }));
    const [first] = stored;
    const bytes =
      written.length > LOOKED_UP_MAX
        ? Number.POSITIVE_INFINITY
        : written.reduce((sum, { key, version }) => sum + this.#specs.bytes(key, version), 0);
    const subject = stored.length === 1 && first !== undefined ? { subject: subjectOf(first) } : {};
    const size = { bytes, ...subject, caller: callerOf(context) };
    const found = await this.#slowLane.run(examineContract, { stored }, size);
    return found instanceof Failure ? stored.map(({ name }) => notChecked(name, found)) : found;
  }

  /**
   * Runs a live test: sends the request that the body describes, and checks the answer. The test is aborted if the
   * client disconnects.
   */
  async test(contract: Named, request: CheckRequest & Pick<Request, "onAbort">): Promise<Answer> {
    if (this.#tests >= CONTRACT_TESTS_MAX) return TESTS_BUSY;
    const gone = new AbortController();
    request.onAbort(() => gone.abort());
    this.#tests += 1;
    try {
      const result = await this.#test(contract, request, gone.signal);
      return result instanceof Failure ? result : jsonReply(JSON.stringify(result));
    } finally {
      this.#tests -= 1;
    }
  }

  async #test([project, name]: Named, asked: CheckRequest, signal: AbortSignal): Promise<ContractTest | Failure> {
    const caller = callerOf(asked.context);
    const call = await this.#run(prepareContractTest, { project, name, body: packBytes(asked.body) }, caller);
    if (call instanceof Failure) return call;
    const base = parseOutboundUrl(call.base_url, "base_url", this.#outbound.policy);
    if (base instanceof Failure) return base;
    if (call.url === null) return resultOf(call, 0, [], call.error);
    const url = parseOutboundUrl(call.url, "base_url", this.#outbound.policy);
    if (url instanceof Failure) return url;
    const answer = await this.#outbound.request(url, {
      method: call.method,
      headers: {
        Accept: "application/json",
        "User-Agent": OUTBOUND_USER_AGENT,
        ...(call.body === null ? {} : { "Content-Type": "application/json" }),
      },
      body: call.body,
      deadlineMs: OUTBOUND_DEADLINE_MS,
      answerBytesMax: CONTRACT_ANSWER_BYTES_MAX,
      signal,
    });
    if (answer instanceof OutboundFailure) {
      if (SERVICE_FAILURES.has(answer.kind)) return resultOf(call, 0, [], answer.message);
      return answer.kind === "aborted" ? STOPPING : answer;
    }
    const { version, endpoint } = call;
    const request = { project, name, version, endpoint, status: answer.status, body: packBytes(answer.body) };
    const checked = await this.#run(checkContractTest, request, caller);
    return checked instanceof Failure ? checked : resultOf(call, answer.status, checked, "");
  }

  /** Runs a job that checks a payload. A large payload waits for a permit first. */
  #run<Row extends UnaryJob>(
    job: Row,
    request: RequestOf<Row> & Payload,
    caller: string,
  ): Promise<ReplyOf<Row> | Failure> {
    return this.#slowLane.runBody(job, request, { subject: subjectOf(request), caller });
  }
}

function subjectOf({ project, name }: { readonly project: string; readonly name: string }): string {
  return `contract ${project}\n${name}`;
}

/** Returns the warning for a contract that was stored without a check of its definitions. */
export function notChecked(contract: string, { message }: Failure): ContractWarning {
  return { contract, path: "endpoints", message: `the contract was stored, but not checked: ${message}` };
}

function resultOf(
  { endpoint, request_violations }: ContractCall,
  statusCode: number,
  responseViolations: Violation[],
  error: string,
): ContractTest {
  const valid = error === "" && request_violations.length === 0 && responseViolations.length === 0;
  return {
    valid,
    endpoint,
    status_code: statusCode,
    request_violations,
    response_violations: responseViolations,
    error,
  };
}
