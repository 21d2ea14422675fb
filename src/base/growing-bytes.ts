/**
 * Collects the UTF-8 bytes of texts in one buffer, which doubles when it is full. So the copying is spread over the
 * texts. Joining all pieces at the end would copy megabytes at once, and delay other requests. Pure, any thread.
 */
const FIRST_BYTES = 256 * 1024;

export class GrowingBytes {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  add(text: string): void {
    const needed = this.#length + Buffer.byteLength(text);
    if (needed > this.#bytes.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.byteLength));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Returns the bytes of all texts. */
  end(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
