/**
 * The cursor of a client: its position in the events of a server. The next subscription starts after the event with
 * this id (`since`). The ids of one server only grow, so an event with an id up to the cursor was received before. Pure
 * but for its state.
 */
export class EventCursor {
  #id: number;
  #start: number;

  /**
   * Creates a cursor at an event.
   * @param id the id of the event after which the client starts
   */
  constructor(id: number) {
    this.#id = id;
    this.#start = id;
  }

  /** The id of the last event that was received, or of the event after which the client starts. */
  get id(): number {
    return this.#id;
  }

  /** Whether an event was received since the current subscription began. */
  get hasMoved(): boolean {
    return this.#id > this.#start;
  }

  /** Records that a new subscription has begun at the cursor's position. */
  subscribed(): void {
    this.#start = this.#id;
  }

  /** Moves the cursor to an event that was received. Returns false if the event was received before. */
  take(id: number): boolean {
    if (id <= this.#id) return false;
    this.#id = id;
    return true;
  }

  /**
   * Sets the cursor back to the server's newest event, or to 0. The server does not have the events that were received:
   * it was restored from an older backup, or it is a different server.
   */
  rewind(id: number): void {
    this.#id = id;
    this.#start = id;
  }
}
