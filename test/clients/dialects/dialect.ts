/** The interface of a model's API: it reads a request and writes an answer. Pure. */
import type { Answer, Conversation } from "../model-script.js";

export interface Dialect {
  /** Matches the paths of requests that ask for an answer of the model. */
  readonly path: RegExp;
  /** Reads a request. `path` contains the query. */
  read(body: Json, path: string): Conversation;
  /** Returns the events of a streamed answer. Each has the text after `data:`, and the event's name if it has one. */
  stream(answer: Answer, model: string): readonly StreamEvent[];
  /** Returns the answer as one JSON value. */
  whole(answer: Answer, model: string): Json;
}

export interface StreamEvent {
  readonly event?: string;
  readonly data: string;
}

/**
 * A JSON value that is read without a schema, because the requests are defined by the clients and change with their
 * versions.
 */
export type Json = { readonly [name: string]: unknown };

/** Returns a member that should be a list of objects. */
export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value)
    ? value.filter((entry): entry is Json => typeof entry === "object" && entry !== null)
    : [];
}

/** Returns the texts in the content of a message. The content is a text or a list of parts. */
export function textsOf(content: unknown): readonly string[] {
  if (typeof content === "string") return [content];
  return listOf(content).flatMap(({ text }) => (typeof text === "string" ? [text] : []));
}

/** Returns a member that should be a text. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
