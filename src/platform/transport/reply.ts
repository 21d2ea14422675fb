/** Defines the answers that a transport can write, and builds the headers of answers. Pure. */

/** Writes the pieces of a long or endless answer. */
export interface Sink {
  /** Writes a piece. Returns false if the peer has backpressure. The caller must then wait for `onDrain`. */
  write(piece: string | Uint8Array): boolean;
  /**
   * Ends the answer. With `cut` it breaks the connection instead, so that the client sees that the answer is
   * incomplete.
   */
  end(cut?: boolean): void;
  onDrain(listener: () => void): void;
  /**
   * Adds a listener, which is called when the peer has disconnected, or when the server's shutdown has ended the
   * answer.
   */
  onClose(listener: () => void): void;
}

/**
 * The headers of an answer: the name of the first header, and all the rest as one text. In this form, one call passes
 * all headers to the HTTP library. Five calls would take two of the nine microseconds of a GET. Created by
 * `headerBlock`.
 */
export interface HeaderBlock {
  readonly name: string;
  readonly rest: string;
}

const LINE_END = "\r\n";
const NAME_END = ": ";

const CACHED = "Cache-Control";

/**
 * Builds a block of headers. The values must not contain control characters. If no header says how long the answer may
 * be cached, a default is added: an answer with an ETag must be revalidated at each use, and any other answer must not
 * be stored.
 */
export function headerBlock(headers: readonly (readonly [name: string, value: string])[]): HeaderBlock {
  const [[name, first] = [CACHED, "no-store"], ...others] = headers;
  const pieces = [first];
  let cached = name === CACHED;
  let tagged = false;
  for (const [key, value] of others) {
    pieces.push(LINE_END, key, NAME_END, value);
    cached ||= key === CACHED;
    tagged ||= key === "ETag";
  }
  if (!cached) pieces.push(LINE_END, CACHED, NAME_END, tagged ? "no-cache" : "no-store");
  return { name, rest: pieces.join("") };
}

/** Returns the headers of a block as one list, in which each name comes before its value. */
export function headerLines({ name, rest }: HeaderBlock): string[] {
  const [value = "", ...others] = rest.split(LINE_END);
  const lines = [name, value];
  for (const other of others) {
    const at = other.indexOf(NAME_END);
    lines.push(other.slice(0, at), other.slice(at + NAME_END.length));
  }
  return lines;
}

export interface WireReply {
  readonly status: number;
  /** The body; null if there is none. A function writes the body piece by piece. */
  readonly body: string | Uint8Array | null | ((sink: Sink) => void);
  /** For a 304 answer, the Content-Length of the body that it does not send. */
  readonly unsentBytes?: number;
  /**
   * Called in place of the body function if the body is not sent: the request is a HEAD, or the client has
   * disconnected.
   */
  readonly discard?: () => void;
  /** All headers except Content-Length; Content-Type is included. */
  readonly headers: HeaderBlock;
}
