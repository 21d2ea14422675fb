/**
 * Holds a client's position in the events of a server. The position is the id of an event, and the next subscription
 * starts after that event (`since`). The ids of one server only grow, so the client has already received each event
 * whose id is not larger. Pure but for its state.
 */
export class EventCursor {
  #id: number;
  #start: number;

  /**
   * Creates a cursor at an event.
   * @param id the first subscription starts after the event with this id
   */
  constructor(id: number) {
    this.#id = id;
    this.#start = id;
  }

  /** The id of the last received event. Before the first one, it is the id with which the cursor was created. */
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

  /** Moves the cursor to an event that has arrived. Returns false if the client has received the event before. */
  take(id: number): boolean {
    if (id <= this.#id) return false;
    this.#id = id;
    return true;
  }

  /**
   * Sets the cursor back to the server's newest event, or to 0. Call this if the server lacks the events that the
   * client has received. The server was then restored from an older backup, or it is a different server.
   */
  rewind(id: number): void {
    this.#id = id;
    this.#start = id;
  }
}
