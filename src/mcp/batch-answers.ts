/**
 * The answers of one batch of MCP messages. The protocol library begins all calls of a batch at once, and holds their
 * results until it has the last; here the calls run one after another, and a call whose result does not fit gets an
 * error in place of it. So a batch is always answered, and no batch holds more than its share. Runs on the front.
 */
import { ProtocolError } from "@modelcontextprotocol/server";
import { MCP_BATCH_BYTES_MAX } from "../../schemas/limits.js";
import type { ToolName } from "../../schemas/mcp.js";
import type { ByteBudget } from "../base/byte-budget.js";
import { TimeSlice } from "../base/time-slice.js";
import type { Requester, ToolCalls, ToolResult } from "./tool-calls.js";

/** JSON-RPC's first code for errors of a server's own. */
const TOO_LONG = -32_000;

export class BatchAnswers {
  readonly #calls: ToolCalls;
  readonly #all: ByteBudget;
  #bytes = 0;
  #full = false;
  /** Others are served between the calls of a long batch. */
  readonly #slice = new TimeSlice();
  #last: Promise<unknown> = Promise.resolve();

  /** @param all what all batches share */
  constructor(calls: ToolCalls, all: ByteBudget) {
    this.#calls = calls;
    this.#all = all;
  }

  /** Runs a call when those before it are done; throws the protocol's error where its result does not fit. */
  run(name: ToolName, given: object, requester: Requester): Promise<ToolResult> {
    const result = this.#last.then(() => this.#run(name, given, requester));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The batch is answered, or its client has gone. */
  release(): void {
    this.#all.give(this.#bytes);
    this.#bytes = 0;
  }

  async #run(name: ToolName, given: object, requester: Requester): Promise<ToolResult> {
    // A call that was not carried out can be sent again; so nothing is begun that could not be answered.
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
