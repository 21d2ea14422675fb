/**
 * Limits the number of instances, and their memory. Counts the bytes of the instances in the directory, and the places
 * that are reserved for registrations in progress. Pure except for its state.
 */
import { INSTANCES_BYTES_MAX, INSTANCES_MAX } from "../../../schemas/limits/instances.js";
import { bytesOf, type InstanceTexts } from "./entry.js";

export class InstanceCapacity {
  #bytes = 0;
  /** The number of places that are reserved for registrations in progress. */
  #reserved = 0;

  /** Returns whether there is enough memory for an instance with these texts, in place of `known` if it is defined. */
  hasRoom(texts: InstanceTexts, known: InstanceTexts | undefined): boolean {
    return this.#bytes - (known === undefined ? 0 : bytesOf(known)) + bytesOf(texts) <= INSTANCES_BYTES_MAX;
  }

  /**
   * Reserves places for instances that are being registered.
   * @param size the number of instances in the directory
   * @returns a function that must be called once, when the instances are added or rejected; null if there are not
   * enough places
   */
  reserve(places: number, size: number): (() => void) | null {
    if (size + this.#reserved + places > INSTANCES_MAX) return null;
    this.#reserved += places;
    return () => {
      this.#reserved -= places;
    };
  }

  add(entry: InstanceTexts): void {
    this.#bytes += bytesOf(entry);
  }

  remove(entry: InstanceTexts): void {
    this.#bytes -= bytesOf(entry);
  }

  /** Changes the texts of an instance. */
  change<Texts extends InstanceTexts>(entry: Texts, change: (entry: Texts) => void): void {
    this.remove(entry);
    change(entry);
    this.add(entry);
  }

  /** Counts from zero bytes again. Reserved places stay reserved. */
  clear(): void {
    this.#bytes = 0;
  }
}
