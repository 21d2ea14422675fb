/**
 * Splits an entry that is larger than a message into pieces, and joins the pieces again. The NATS server stores the
 * pieces of an entry as one atomic batch. The id of an entry is the sequence of its last piece. Pure.
 */
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { LOG_PIECES_MAX } from "../../../schemas/limits/ordered-log.js";

const BATCH = "Nats-Batch-Id";
const AT = "Nats-Batch-Sequence";
const COMMIT = "Nats-Batch-Commit";
/**
 * The header in which Koor stores the number of pieces of an entry. NATS itself does not report this number to a
 * reader.
 */
const OF = "Koor-Pieces";

/** The position of a message among the pieces of an entry. */
export interface Piece {
  readonly batch: string;
  /** The number of the piece in its entry, from 1. */
  readonly at: number;
  readonly of: number;
}

/**
 * Reads the headers of a message, and returns which piece of an entry it is. Returns null if the message is a complete
 * entry, or a part of another program's batch.
 */
export function pieceOf(found: MsgHdrs | undefined): Piece | null {
  if (found === undefined || !found.has(BATCH)) return null;
  const [at, of] = [Number(found.get(AT)), Number(found.get(OF))];
  if (!Number.isSafeInteger(at) || !Number.isSafeInteger(of) || at < 1 || at > of || of > LOG_PIECES_MAX) return null;
  return { batch: found.get(BATCH), at, of };
}

/** Returns the headers that store the position of a piece. */
export function pieceHeaders({ batch, at, of }: Piece): MsgHdrs {
  const made = headers();
  made.set(BATCH, batch);
  made.set(AT, String(at));
  made.set(OF, String(of));
  if (at === of) made.set(COMMIT, "1");
  return made;
}

/** Joins pieces into entries. The pieces must come in order, one entry after another. */
export class PieceJoiner {
  #batch = "";
  #parts: Uint8Array[] = [];

  /** Whether the joiner has some pieces of an entry, but not all. */
  get isOpen(): boolean {
    return this.#parts.length > 0;
  }

  /** Forgets the pieces of an incomplete entry. */
  clear(): void {
    this.#parts = [];
  }

  /**
   * Returns the pieces of the incomplete entry as one value, and forgets them. Call it when the entry can no longer be
   * completed.
   */
  takeIncomplete(): Uint8Array {
    const begun = Buffer.concat(this.#parts);
    this.#parts = [];
    return begun;
  }

  /** Whether a piece is the next piece of the incomplete entry, or the first piece of a new entry. */
  continues({ batch, at }: Piece): boolean {
    return at === this.#parts.length + 1 && (at === 1 || batch === this.#batch);
  }

  /**
   * Adds the next piece.
   * @returns the entry if this was its last piece; null if more pieces follow; "broken" if another piece was expected
   */
  add({ batch, at, of }: Piece, bytes: Uint8Array): Uint8Array | null | "broken" {
    if (at === 1 && !this.isOpen) this.#batch = batch;
    if (batch !== this.#batch || at !== this.#parts.length + 1) return "broken";
    this.#parts.push(bytes);
    if (at < of) return null;
    const entry = Buffer.concat(this.#parts);
    this.#parts = [];
    return entry;
  }
}
