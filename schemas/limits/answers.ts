/** Limits of answers: lists and pages, the memory for answers, and the work for them on the front. */
import { KIB, MIB } from "./units.js";

export const PAGE_ROWS_MAX = 10_000;
/**
 * The maximum size of all items of a list in one answer. The list ends before the first item that does not fit. The
 * answer says where the list continues.
 */
export const LIST_BYTES_MAX = 32 * MIB;
/**
 * If no handler reads the body of a request, an answer up to this size is sent before the body has arrived. A longer
 * answer is sent after that.
 */
export const PROMPT_ANSWER_BYTES_MAX = 4 * KIB;
/** An answer that is longer than this is sent at its reader's pace. It counts as in flight until all of it is sent. */
export const WHOLE_ANSWER_BYTES_MAX = 256 * KIB;
/**
 * The maximum memory of answers that their readers have not read yet: of answers that are sent at their readers' pace,
 * and of streamed answers.
 */
export const ANSWERS_IN_MEMORY_BYTES_MAX = 256 * MIB;
/**
 * If the front makes an answer piece by piece, it may be this many bytes ahead of the client. This is the size of one
 * page of instances.
 */
export const PIECED_ANSWER_BYTES = 1 * MIB;
/** The maximum size of the documents (`/docs`) that are kept in memory. Their compressed forms take a quarter of it. */
export const DOCUMENTS_BYTES_MAX = 3 * MIB;
/** If a list that the front reads turns out to be longer than this, the pool reads it again from the beginning. */
export const FRONT_READ_CHARACTERS_MAX = 512 * KIB;
/** A read of at most this many rows runs on the front's own database handle. The pool runs reads of more rows. */
export const FRONT_READ_ROWS_MAX = 100;
/**
 * The front handles requests as it reads them, whether it answers them at once or they begin to wait. In one event-loop
 * tick it stops after it has handled this many requests and has taken REQUESTS_TICK_MS. It handles the other requests
 * in later ticks.
 */
export const REQUESTS_PER_TICK = 16;
export const REQUESTS_TICK_MS = 15;
/**
 * A request counts once more for each of these bytes of its body, because reading a long body takes as long as
 * answering many short requests.
 */
export const REQUEST_BYTES_A_COUNT = 4 * KIB;
