/**
 * An event as it travels inside: what matching needs, beside the JSON that every subscriber gets.
 * Type only. The writer encodes `text` once; nobody encodes it again.
 */

export interface EncodedEvent {
  /** Grows with each event, never reused. */
  readonly id: number;
  readonly topic: string;
  readonly source: string;
  /** The event's JSON as clients see it: id, topic, data, source, created_at; one line. */
  readonly text: string;
}
