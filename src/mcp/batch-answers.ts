/**
 * Limits the answers of one batch of MCP messages. The protocol library starts all calls of a batch at once, and holds
 * their results until it has the last. Here the calls run one after another, and a call whose result does not fit gets
 * an error instead. So every batch is answered, and no batch holds more than its share of memory. Runs on the front.
 */
import { ProtocolError } from "@modelcontextprotocol/server";
import { MCP_BATCH_BYTES_MAX } from "../../schemas/limits.js";
import type { ToolName } from "../../schemas/mcp.js";
import type { ByteBudget } from "../base/byte-budget.js";
import { TimeSlice } from "../base/time-slice.js";
import type { Requester, ToolCalls, ToolResult } from "./tool-calls.js";

/** JSON-RPC's first code for errors that a server defines. */
const TOO_LONG = -32_000;

export class BatchAnswers {
  readonly #calls: ToolCalls;
  readonly #all: ByteBudget;
  #bytes = 0;
  #full = false;
  /** Other requests are served between the calls of a long batch. */
  readonly #slice = new TimeSlice();
  #last: Promise<unknown> = Promise.resolve();

  /** @param all the budget that all batches share */
  constructor(calls: ToolCalls, all: ByteBudget) {
    this.#calls = calls;
    this.#all = all;
  }

  /** Runs a call after the calls before it; throws the protocol's error if its result does not fit. */
  run(name: ToolName, given: object, requester: Requester): Promise<ToolResult> {
    const result = this.#last.then(() => this.#run(name, given, requester));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Releases the budget, when the batch is answered or its client has gone. */
  release(): void {
    this.#all.release(this.#bytes);
    this.#bytes = 0;
  }

  async #run(name: ToolName, given: object, requester: Requester): Promise<ToolResult> {
    // A call that was not executed can be sent again, so no call starts whose result could not be returned.
    if (this.#full) throw tooLong();
    if (this.#slice.isOver) await this.#slice.yieldIfOver();
    const result = await this.#calls.run(name, given, requester);
    const bytes = result.content.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    if (this.#bytes + bytes > MCP_BATCH_BYTES_MAX || !this.#all.take(bytes)) {
      this.#full = true;
      throw tooLong();
    }
    this.#bytes += bytes;
    return result;
  }
}

function tooLong(): ProtocolError {
  return new ProtocolError(
    TOO_LONG,
    `the answers of a batch have at most ${MCP_BATCH_BYTES_MAX} bytes together: send this call by itself`,
  );
}
