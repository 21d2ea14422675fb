/**
 * The frames of the RPC. They are tuples, because structured clone writes an object's member names
 * with every copy: a call of 270 bytes costs 4.2 µs as a tuple and 5.0 µs as an object, both sides
 * together. The frames of one event-loop turn travel as one array. Types only.
 */
import type { StatusName } from "../../schemas/status.js";

export const FRAME = { CALL: 0, CANCEL: 1, CREDIT: 2, REPLY: 3, FAILURE: 4, CHUNK: 5, NOTICE: 6 } as const;

/** Who calls, for the audit log, and under which trace. */
export interface CallContext {
  /** Id of the calling instance, "" where unknown. */
  readonly actor: string;
  readonly trace: string;
}

/** The server itself calls: nobody acts. */
export const NO_CALLER: CallContext = Object.freeze({ actor: "", trace: "" });

export type CallFrame = readonly [
  kind: typeof FRAME.CALL,
  id: number,
  /** Position in the table of methods. */
  method: number,
  deadline_ms: number,
  /** Bytes, as the method's row weighs its requests. */
  weight: number,
  actor: string,
  trace: string,
  request: unknown,
];
export type CancelFrame = readonly [kind: typeof FRAME.CANCEL, id: number];
export type CreditFrame = readonly [kind: typeof FRAME.CREDIT, id: number, chunks: number];
/** The reply of a call; of a stream what it is answered with after its last chunk. */
export type ReplyFrame = readonly [kind: typeof FRAME.REPLY, id: number, reply: unknown];
export type FailureFrame = readonly [
  kind: typeof FRAME.FAILURE,
  id: number,
  status: StatusName,
  message: string,
  members: Readonly<Record<string, unknown>> | null,
];
export type ChunkFrame = readonly [kind: typeof FRAME.CHUNK, id: number, chunk: string];
/** Something the server side says unasked, e.g. which events were committed. */
export type NoticeFrame = readonly [kind: typeof FRAME.NOTICE, name: string, payload: unknown];

export type ClientFrame = CallFrame | CancelFrame | CreditFrame;
export type ServerFrame = ReplyFrame | FailureFrame | ChunkFrame | NoticeFrame;
export type Frame = ClientFrame | ServerFrame;
