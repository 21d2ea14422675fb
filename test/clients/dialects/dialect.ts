/** The interface of a model's API: how the endpoint reads a request, and how it writes an answer. Pure. */
import type { Answer, Conversation } from "../model-script.js";

export interface Dialect {
  /** Matches the paths of requests for an answer. */
  readonly path: RegExp;
  /** Reads a request. `path` contains the query. */
  read(body: Json, path: string): Conversation;
  /** Returns the events of a streamed answer: the texts after `data:`, with the name of the event where it has one. */
  stream(answer: Answer, model: string): readonly StreamEvent[];
  /** Returns the answer as one JSON value. */
  whole(answer: Answer, model: string): Json;
}

export interface StreamEvent {
  readonly event?: string;
  readonly data: string;
}

/** A JSON value that is read without a schema: the requests are the clients' own, and change with their versions. */
export type Json = { readonly [name: string]: unknown };

/** Returns a member that should be a list of objects. */
export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value)
    ? value.filter((entry): entry is Json => typeof entry === "object" && entry !== null)
    : [];
}

/** Returns the texts of a message's content, which is a text or a list of parts. */
export function textsOf(content: unknown): readonly string[] {
  if (typeof content === "string") return [content];
  return listOf(content).flatMap(({ text }) => (typeof text === "string" ? [text] : []));
}

/** Returns a member that should be a text. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
