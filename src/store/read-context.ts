/** What a read may use: a read-only handle and the tables' readers. One on the front, one a pool worker. */
import { EventReader } from "../events/table.js";
import { VersionedReader } from "../versioned/table.js";
import { openReader, type Db } from "./open.js";

export interface ReaderSettings {
  readonly data_dir: string;
  readonly state_history: number;
}

export class ReadContext {
  readonly db: Db;
  readonly state: VersionedReader;
  readonly events: EventReader;

  constructor(settings: ReaderSettings) {
    this.db = openReader(settings.data_dir);
    this.state = new VersionedReader(this.db, "state", settings.state_history);
    this.events = new EventReader(this.db);
  }

  /** Runs a read over one snapshot of the database, which stays as it is until the last chunk was taken. */
  *snapshot<Item>(read: () => Iterable<Item>): Generator<Item, void, undefined> {
    this.db.exec("BEGIN");
    try {
      yield* read();
    } finally {
      this.db.exec("COMMIT");
    }
  }

  close(): void {
    this.db.close();
  }
}
