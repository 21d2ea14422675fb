/** The writer's end of the RPC, played by a test: what was asked, and the answers that it gives. */
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";
import { METHODS } from "../../src/methods.js";
import { RpcClient } from "../../src/rpc/client.js";
import { FRAME, type Frame } from "../../src/rpc/frames.js";
import { Writer } from "../../src/threads/writer.js";

export interface PlayedCall {
  readonly name: string;
  readonly request: unknown;
  readonly answer: (reply: unknown) => void;
}

export class PlayedWriter {
  readonly #client = new RpcClient({ methods: METHODS, clock: { now: () => 0 } });
  readonly writer = new Writer(this.#client);
  readonly calls: PlayedCall[] = [];

  constructor() {
    this.connect();
  }

  /** Takes calls, after `leave` too. */
  connect(): void {
    let take: (frames: readonly Frame[]) => void = () => undefined;
    this.#client.attach({
      postMessage: (frames) => {
        for (const frame of frames as readonly Frame[]) {
          if (frame[0] !== FRAME.CALL) continue;
          const [, id, method, , , , , request] = frame;
          this.calls.push({
            name: METHODS.at(method).name,
            request,
            answer: (reply) => take([[FRAME.REPLY, id, reply]]),
          });
        }
      },
      on: (_event, listener) => {
        take = listener;
      },
      off: () => undefined,
    });
  }

  /** The request of a call by its number, -1 for the newest; it must have been made. */
  asked<Request>(at: number): Request {
    return must(this.calls.at(at), "the call was made").request as Request;
  }

  /** Is gone; what was asked fails. */
  leave(): void {
    this.#client.detach(new Failure("UNAVAILABLE", "restarting"));
  }
}

/** Lets everything run that is due. */
export async function settle(): Promise<void> {
  for (let at = 0; at < 3; at++) await new Promise((resolve) => setImmediate(resolve));
}
