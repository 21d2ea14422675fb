/**
 * Entries that are larger than a message: cut into pieces that the NATS server stores as one atomic batch, and joined
 * again when they are read. An entry's id is the sequence of its last piece. Pure.
 */
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { LOG_PIECES_MAX } from "../../schemas/limits.js";

const BATCH = "Nats-Batch-Id";
const AT = "Nats-Batch-Sequence";
const COMMIT = "Nats-Batch-Commit";
/** Koor's own: how many pieces there are, which the server tells nobody who reads one of them. */
const OF = "Koor-Pieces";

/** Which piece of its entry a message is. */
export interface Piece {
  readonly batch: string;
  /** From 1 on. */
  readonly at: number;
  readonly of: number;
}

/**
 * The piece that a message's headers speak of; null where it is a whole entry, or a batch of somebody else's, whose
 * messages are no entries.
 */
export function pieceOf(found: MsgHdrs | undefined): Piece | null {
  if (found === undefined || !found.has(BATCH)) return null;
  const [at, of] = [Number(found.get(AT)), Number(found.get(OF))];
  if (!Number.isSafeInteger(at) || !Number.isSafeInteger(of) || at < 1 || at > of || of > LOG_PIECES_MAX) return null;
  return { batch: found.get(BATCH), at, of };
}

/** The headers that store a piece. */
export function pieceHeaders({ batch, at, of }: Piece): MsgHdrs {
  const made = headers();
  made.set(BATCH, batch);
  made.set(AT, String(at));
  made.set(OF, String(of));
  if (at === of) made.set(COMMIT, "1");
  return made;
}

/** Joins the pieces of one entry after the other. */
export class PieceJoiner {
  #batch = "";
  #parts: Uint8Array[] = [];

  /** Whether an entry has begun that is not whole. */
  get open(): boolean {
    return this.#parts.length > 0;
  }

  /** Forgets what has begun. */
  clear(): void {
    this.#parts = [];
  }

  /** What has begun and does not go on, joined as far as it came; forgotten with it. */
  takeOpen(): Uint8Array {
    const begun = Buffer.concat(this.#parts);
    this.#parts = [];
    return begun;
  }

  /** Whether a piece goes on with what has begun, or begins. */
  takes({ batch, at }: Piece): boolean {
    return at === this.#parts.length + 1 && (at === 1 || batch === this.#batch);
  }

  /**
   * Takes the next piece.
   * @returns the entry when it is the last one; null when more are to come; "broken" when it is not the next piece
   */
  add({ batch, at, of }: Piece, bytes: Uint8Array): Uint8Array | null | "broken" {
    if (at === 1 && !this.open) this.#batch = batch;
    if (batch !== this.#batch || at !== this.#parts.length + 1) return "broken";
    this.#parts.push(bytes);
    if (at < of) return null;
    const entry = Buffer.concat(this.#parts);
    this.#parts = [];
    return entry;
  }
}
