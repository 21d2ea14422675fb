/**
 * Runs batches of MCP messages. The protocol library would start all messages of a batch in one tick, and keep all
 * results until the last one is complete. Here the messages of a batch run one after another, in short time slices that
 * alternate between the batches. So a batch delays other requests by at most one slice.
 *
 * Each answer is encoded as soon as it is complete. If it does not fit into the memory budget, it is replaced by an
 * error. So every batch is answered, and all batches together take bounded memory. Runs on the front.
 */
import { isJSONRPCRequest, type JSONRPCRequest } from "@modelcontextprotocol/server";
import { MCP_BATCH_BYTES_MAX } from "../../../schemas/limits/mcp.js";
import type { ByteBudget } from "../../base/byte-budget.js";
import type { FairSlices } from "../../base/fair-slices.js";
import { JSON_HEADERS } from "../../platform/front/reply.js";
import type { Reply } from "../../platform/front/route.js";
import { headerBlock } from "../../platform/transport/reply.js";
import type { Requester } from "./tool-calls.js";

/** The first code that JSON-RPC reserves for errors of a server's own. */
const TOO_LONG = -32_000;

const [OPEN, COMMA, CLOSE] = [Buffer.from("["), Buffer.from(","), Buffer.from("]")];

/**
 * The share of one running HTTP request in the memory budget and in the time slices. It has the number of bytes that
 * the request has taken from the budget.
 */
export class Share {
  readonly #budget: ByteBudget;
  #bytes = 0;
  /** Whether the client has disconnected. */
  gone = false;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes bytes from the budget. Returns false and takes nothing if they do not fit. */
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
 * Answers a batch of valid messages. Stops if the client disconnects. Only requests are executed. A response in the
 * batch has no effect, because the server sends no requests. A notification has no effect either: a call that it could
 * cancel has already ended or has not begun.
 * @param messages the messages of the batch, without a handshake. A handshake would change the server, which other
 * clients share.
 * @param exchange executes a request; it must answer every request
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
    // Once the answer is full, execute no further call, because its result could not be returned. The client can send
    // the call again.
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
