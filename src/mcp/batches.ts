/**
 * Runs the batches of MCP messages. The protocol library starts all messages of a batch at once, in one tick, and holds
 * their results until it has the last. Here the messages run one after another in slices, in which the batches take
 * turns, and each answer is encoded when it is there. An answer that does not fit is replaced by an error. So a batch
 * delays other requests by one slice, always gets an answer, and holds no more than its share of memory. Runs on the
 * front.
 */
import { isJSONRPCRequest, type JSONRPCRequest } from "@modelcontextprotocol/server";
import { MCP_BATCH_BYTES_MAX } from "../../schemas/limits/mcp.js";
import type { ByteBudget } from "../base/byte-budget.js";
import type { FairSlices } from "../base/fair-slices.js";
import { JSON_HEADERS } from "../front/reply.js";
import type { Reply } from "../front/route.js";
import { headerBlock } from "../transport/reply.js";
import type { Requester } from "./tool-calls.js";

/** JSON-RPC's first code for errors that a server defines. */
const TOO_LONG = -32_000;

const [OPEN, COMMA, CLOSE] = [Buffer.from("["), Buffer.from(","), Buffer.from("]")];

/** A request in progress. It takes turns in the slices, and holds the bytes that it has taken from the budget. */
export class Share {
  readonly #budget: ByteBudget;
  #bytes = 0;
  /** Set when the client has gone. */
  gone = false;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the bytes. Returns false, and takes nothing, if they do not fit. */
  take(bytes: number): boolean {
    if (!this.#budget.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  release(): void {
    this.#budget.release(this.#bytes);
    this.#bytes = 0;
  }
}

/** Answers one request with JSON text. */
export type Exchange = (message: JSONRPCRequest, requester: Requester) => Promise<string>;

/**
 * Answers a batch of valid messages. Stops when the client has gone. Only requests are executed. Notifications and
 * answers have no effect here: the server asks nothing, and the call that a notification cancels has ended, or has not
 * begun.
 * @param messages none of them is a handshake, because it would change the server, which other clients use, too
 * @param exchange must answer every request
 */
export async function answerBatch(
  messages: readonly unknown[],
  requester: Requester,
  { exchange, slices, share }: { readonly exchange: Exchange; readonly slices: FairSlices; readonly share: Share },
): Promise<Reply> {
  const answers: Buffer[] = [];
  let bytes = 0;
  let isFull = false;
  for (const message of messages) {
    await slices.next(share);
    if (share.gone) break;
    if (!isJSONRPCRequest(message)) continue;
    // A client can repeat a call that was not executed. So no call starts once the answer is full, because its result
    // could not be returned.
    if (!isFull) {
      const answer = Buffer.from(await exchange(message, requester));
      isFull = bytes + answer.byteLength > MCP_BATCH_BYTES_MAX || !share.take(answer.byteLength);
      if (!isFull) {
        bytes += answer.byteLength;
        answers.push(answer);
        continue;
      }
    }
    answers.push(Buffer.from(tooLong(message)));
  }
  const [only] = answers;
  if (only === undefined) return { status: 202, headers: headerBlock([]), body: "" };
  const body = answers.length === 1 ? only : Buffer.concat(listed(answers));
  return { status: 200, headers: JSON_HEADERS, body };
}

function listed(answers: readonly Buffer[]): Buffer[] {
  return [...answers.flatMap((answer, at) => [at === 0 ? OPEN : COMMA, answer]), CLOSE];
}

function tooLong({ id }: JSONRPCRequest): string {
  const message = `the answers of a batch have at most ${MCP_BATCH_BYTES_MAX} bytes together: send this call by itself`;
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code: TOO_LONG, message } });
}
