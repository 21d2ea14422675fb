/** Limits of answers: lists and pages, the memory for answers, and the work for them on the front. */
import { KIB, MIB } from "./units.js";

export const PAGE_ROWS_MAX = 10_000;
/**
 * The maximum size of all items of a list in one answer. The list ends before the first item that does not fit. The
 * answer says where the list continues.
 */
export const LIST_BYTES_MAX = 32 * MIB;
/**
 * The limit for early answers. If no handler reads the body of a request, an answer up to this size is sent before the
 * body has arrived. A longer answer is sent after the body.
 */
export const PROMPT_ANSWER_BYTES_MAX = 4 * KIB;
/**
 * The longest answer that is written to the socket in one piece. A longer one is sent as fast as its client reads it.
 * It counts as in flight until all of it is sent.
 */
export const WHOLE_ANSWER_BYTES_MAX = 256 * KIB;
/**
 * The maximum memory of answers that clients have not read yet. These are streamed answers, and answers that are longer
 * than WHOLE_ANSWER_BYTES_MAX.
 */
export const ANSWERS_IN_MEMORY_BYTES_MAX = 256 * MIB;
/**
 * The front makes some answers piece by piece. It may be ahead of the client by this number of bytes, which is the size
 * of one page of instances.
 */
export const PIECED_ANSWER_BYTES = 1 * MIB;
/** The maximum memory of the documents (`/docs`). Their compressed forms take a quarter of it. */
export const DOCUMENTS_BYTES_MAX = 3 * MIB;
/** If a list that the front reads turns out to be longer than this, the pool reads it again from the beginning. */
export const FRONT_READ_CHARACTERS_MAX = 512 * KIB;
/**
 * The maximum number of rows of a read that runs on the front's own database handle. The pool runs reads of more rows.
 */
export const FRONT_READ_ROWS_MAX = 100;
/**
 * The number of requests that the front handles in one event-loop tick, whether it answers them at once or they begin
 * to wait. The tick ends only when REQUESTS_TICK_MS have also passed. Further requests are handled in later ticks.
 */
export const REQUESTS_PER_TICK = 16;
export const REQUESTS_TICK_MS = 15;
/**
 * A long body counts as several requests: one more for each part of this size. Reading a long body takes as long as
 * answering many short requests.
 */
export const REQUEST_BYTES_A_COUNT = 4 * KIB;
