/**
 * Converts a web Response of the protocol library into a reply of the front, either as a whole or as a stream. Runs on
 * the front.
 */
import { JSON_HEADERS } from "../../platform/front/reply.js";
import type { Reply } from "../../platform/front/route.js";
import { headerBlock, type Sink } from "../../platform/transport/reply.js";

const EVENT_STREAM = "text/event-stream";

/**
 * The headers of the library's Response that clients read. The others are dropped, because they are only for servers
 * that write the Response to a socket themselves.
 */
const KEPT_HEADERS = ["content-type", "allow"] as const;

/** Returns a reply with one message of the protocol. No line end follows the message, unlike in the API's answers. */
export function messageReply(text: string, status = 200): Reply {
  return { status, headers: JSON_HEADERS, body: text };
}

/** Returns a protocol error for a body that is not a valid message. */
export function refusalReply(status: number, code: number, message: string): Reply {
  return messageReply(JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null }), status);
}

export async function replyOf(response: Response): Promise<Reply> {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const headers = headerBlock(kept);
  const { body, status } = response;
  if (body === null || response.headers.get("content-type") !== EVENT_STREAM)
    return { status, headers, body: await response.text() };
  return { status, headers, body: (sink) => void pump(body, sink), discard: () => void body.cancel() };
}

/** Writes a stream at the client's pace, until the stream ends or the client disconnects. */
async function pump(body: ReadableStream<Uint8Array>, sink: Sink): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let wake: () => void = () => undefined;
  let gone = false;
  sink.onDrain(() => wake());
  sink.onClose(() => {
    gone = true;
    wake();
    void reader.cancel();
  });
  for (;;) {
    const { done, value } = await reader.read();
    if (gone) return;
    if (done) break;
    if (sink.write(decoder.decode(value, { stream: true }))) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  sink.end();
}
