/**
 * The browser interfaces that the dashboard's files use when they are loaded, for tests in plain Node: a document that
 * is visible or hidden, and event sources that the test controls. Import this file before the dashboard's files.
 */

/** An event source whose server is the test. */
export class FakeSource extends EventTarget {
  /** All event sources, the newest last. */
  static readonly made: FakeSource[] = [];
  closed = false;

  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.dispatchEvent(new Event("open"));
  }

  fail(): void {
    this.dispatchEvent(new Event("error"));
  }

  /** Delivers a message as the server would. */
  deliver(message: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
}

class FakeDocument extends EventTarget {
  visibilityState: "visible" | "hidden" = "visible";

  /** Simulates that the user leaves the tab or comes back. */
  show(seen: boolean): void {
    this.visibilityState = seen ? "visible" : "hidden";
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

export const fakeDocument = new FakeDocument();

Object.assign(globalThis, { document: fakeDocument, EventSource: FakeSource });
