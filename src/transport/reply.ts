/** An answer as a transport writes it. Types, and the making of headers; pure. */

/** Where the pieces of a long or endless answer go. */
export interface Sink {
  /** False where the peer is behind: wait for `onDrain`. */
  write(text: string): boolean;
  /** Ends the answer; `cut` breaks the connection instead, so that the client sees that it is not whole. */
  end(cut?: boolean): void;
  onDrain(listener: () => void): void;
  /** The peer is gone, or the answer was ended by the server's shutdown. */
  onClose(listener: () => void): void;
}

/**
 * An answer's headers as one name and the rest of the block, so that they cross into the HTTP library in
 * one call: five calls cost a GET two microseconds of its nine. Made by `headerBlock`.
 */
export interface HeaderBlock {
  readonly name: string;
  readonly rest: string;
}

const LINE_END = "\r\n";
const NAME_END = ": ";

const CACHED = "Cache-Control";

/**
 * Headers as a block; values must hold no control characters. Where they do not say how long the answer may be kept, it
 * is asked for again each time: by its tag where it has one, else as a whole.
 */
export function headerBlock(headers: readonly (readonly [name: string, value: string])[]): HeaderBlock {
  const [[name, first] = [CACHED, "no-store"], ...others] = headers;
  let rest = first;
  let cached = name === CACHED;
  let tagged = false;
  for (const [key, value] of others) {
    rest += `${LINE_END}${key}${NAME_END}${value}`;
    cached ||= key === CACHED;
    tagged ||= key === "ETag";
  }
  return { name, rest: cached ? rest : `${rest}${LINE_END}${CACHED}${NAME_END}${tagged ? "no-cache" : "no-store"}` };
}

/** The headers of a block, each name before its value. */
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
  /** Null: no body. A function writes the body as it comes. */
  readonly body: string | Uint8Array | null | ((sink: Sink) => void);
  /** Content-Length where there is no body: of the one that a 304 spares the client. */
  readonly unsent_bytes?: number;
  /** Called instead of a body that is a function where nobody takes it: a HEAD, or a client that has gone. */
  readonly discard?: () => void;
  /** Every header but Content-Length, Content-Type included. */
  readonly headers: HeaderBlock;
}
