/** A fake of the writer's end of the RPC: it records the calls, and the test answers them. */
import { addReply, FRAME, requestOf } from "../../src/platform/rpc/frames.js";
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";
import { SharedCounter } from "../../src/base/shared-counter.js";
import { RpcClient } from "../../src/platform/rpc/client.js";
import { MethodTable } from "../../src/platform/rpc/method.js";
import { METHODS } from "../../src/methods.js";
import { isWriterMethod } from "../../src/platform/threads/methods.js";
import { Writer } from "../../src/platform/threads/writer.js";
import type { WriterMethod } from "../../src/platform/threads/writer-method.js";
import { framesOf } from "../support/frames.js";

export interface PlayedCall {
  readonly name: string;
  readonly request: unknown;
  readonly answer: (reply: unknown) => void;
}

export class FakeWriter {
  /** The writer for the components under test. */
  readonly writer: Writer;
  readonly calls: PlayedCall[] = [];
  readonly #methods: MethodTable<WriterMethod>;
  readonly #client: RpcClient;

  /**
   * @param methods the methods that can be called
   */
  constructor(methods: readonly WriterMethod[] = METHODS.rows.filter(isWriterMethod)) {
    this.#methods = new MethodTable(methods);
    this.#client = new RpcClient({ methods: this.#methods, clock: { now: () => 0 } });
    this.writer = new Writer(this.#client, new SharedCounter());
    this.connect();
  }

  /** Accepts calls, also after `leave`. */
  connect(): void {
    let take: (message: unknown) => void = () => undefined;
    this.#client.attach({
      postMessage: (message) => {
        for (const frame of framesOf(message)) {
          if (frame[0] !== FRAME.CALL) continue;
          const [, id, method] = frame;
          const packings = this.#methods.packingsAt(method);
          this.calls.push({
            name: this.#methods.at(method).name,
            request: requestOf(frame, packings.request),
            answer: (reply) => {
              const answers: unknown[] = [];
              addReply(answers, id, packings.reply, reply);
              take(answers);
            },
          });
        }
      },
      on: (_event, listener) => {
        take = listener;
      },
      off: () => undefined,
    });
  }

  /** Returns the request of a call by its number, -1 for the newest. The call must have been made. */
  asked<Request>(at: number): Request {
    return must(this.calls.at(at), "the call was made").request as Request;
  }

  /** Detaches; unanswered calls fail. */
  leave(): void {
    this.#client.detach(new Failure("UNAVAILABLE", "restarting"));
  }
}

/** Runs everything that is due. */
export async function settle(): Promise<void> {
  for (let at = 0; at < 3; at++) await new Promise((resolve) => setImmediate(resolve));
}
