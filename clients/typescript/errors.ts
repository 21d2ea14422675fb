/**
 * The errors of the client. If an error comes from an answer, it has the answer's HTTP status, the code, and the whole
 * body.
 */
import type { MissingEvidence } from "./types.js";

/** The members that every error body of Koor has. */
interface ErrorBody {
  readonly error: string;
  readonly code: number;
}

export class KoorError extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The member `code` of the body; the status if the body has none. */
  readonly code: number;
  /** The parsed body. If the body is not JSON, its text. If there was no answer, null. */
  readonly body: unknown;

  constructor(message: string, answer: { status?: number; body?: unknown; cause?: unknown } = {}) {
    super(message, answer.cause === undefined ? {} : { cause: answer.cause });
    const { status = 0, body = null } = answer;
    this.name = new.target.name;
    this.status = status;
    this.code = isErrorBody(body) ? body.code : status;
    this.body = body;
  }
}

/** 400: the request is malformed. */
export class BadRequestError extends KoorError {}
/** 401: the token is wrong or missing. */
export class UnauthorizedError extends KoorError {}
/** 403: the token is valid but not allowed to do this. */
export class ForbiddenError extends KoorError {}
/** 404: the thing that the request names does not exist. */
export class NotFoundError extends KoorError {}
/** 409 and 412: the thing exists already, or has another state or version than the request requires. */
export class ConflictError extends KoorError {}
/** 409 and 423: another instance holds a lease on the same resource, or waits for one. */
export class LeasedError extends ConflictError {}
/**
 * The lease, or the claim of a task, has ended. If this error is the reason of an aborted `signal`, its status is 0.
 */
export class LeaseLostError extends ConflictError {}
/**
 * 409: the task requires commands, and some of them have no recorded run that passed. `missing` lists these commands,
 * each with the reason.
 */
export class EvidenceMissingError extends ConflictError {
  get missing(): readonly MissingEvidence[] {
    return (this.body as { readonly missing?: readonly MissingEvidence[] }).missing ?? [];
  }
}
/** 412: the fence of the write belongs to a lease or claim that has ended. */
export class StaleFenceError extends ConflictError {}
/** 413: the body is larger than a limit. */
export class TooLargeError extends KoorError {}
/** 429: the server limits the rate of requests, or the number of stored things. */
export class RateLimitedError extends KoorError {}
/** 500: a bug of the server; its log has the details. */
export class ServerError extends KoorError {}

/** 502, 503, 504, 507, or no answer. */
export class UnavailableError extends KoorError {
  /** Whether the server may have executed the request, because the answer was lost. */
  readonly outcomeUnknown: boolean;

  constructor(
    message: string,
    answer: { status?: number; body?: unknown; cause?: unknown; outcomeUnknown?: boolean } = {},
  ) {
    super(message, answer);
    this.outcomeUnknown = answer.outcomeUnknown ?? false;
  }
}

/** There was no answer within `timeoutMs`. */
export class TimeoutError extends UnavailableError {}

/** The task on which a handler works was cancelled. This error occurs only as the reason of an aborted `signal`. */
export class TaskCanceledError extends KoorError {}

type ErrorClass = new (message: string, answer: { status: number; body: unknown }) => KoorError;

const BY_STATUS: Readonly<Record<number, ErrorClass>> = {
  400: BadRequestError,
  401: UnauthorizedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  412: ConflictError,
  413: TooLargeError,
  423: LeasedError,
  429: RateLimitedError,
  500: ServerError,
  502: UnavailableError,
  503: UnavailableError,
  504: UnavailableError,
  507: UnavailableError,
};

/** Returns whether a body is an error of Koor itself, and not of a proxy in front of it. */
export function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === "object" && body !== null && "error" in body && "code" in body;
}

function errorClass(status: number, message: string): ErrorClass {
  if (status === 409 && /^(?:leased|awaited) by /.test(message)) return LeasedError;
  if (status === 409 && /^(?:lease|claim) lost$/.test(message)) return LeaseLostError;
  if (status === 409 && message === "evidence missing") return EvidenceMissingError;
  if (status === 412 && message === "stale fence") return StaleFenceError;
  return BY_STATUS[status] ?? KoorError;
}

/** Creates the error for an answer. `text` is the body of the answer. */
export function errorOf(status: number, text: string): KoorError {
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // The text is not JSON, for example because a proxy in front of the server has answered.
  }
  const message = isErrorBody(body) ? body.error : `status ${status}`;
  return new (errorClass(status, message))(message, { status, body });
}
