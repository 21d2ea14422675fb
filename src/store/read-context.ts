/** What a read may use: a read-only handle and the tables' readers. One on the front, one a pool worker. */
import { EventReader } from "../events/table.js";
import { RuleReader } from "../rules/table.js";
import { TemplateReader } from "../templates/table.js";
import { SPECS, STATE } from "../versioned/space.js";
import { VersionedReader } from "../versioned/table.js";
import { WebhookReader } from "../webhooks/table.js";
import { openReader, type Db, type Statement } from "./open.js";

export interface ReaderSettings {
  readonly data_dir: string;
  readonly state_history: number;
}

export class ReadContext {
  readonly db: Db;
  readonly state: VersionedReader;
  readonly specs: VersionedReader;
  readonly events: EventReader;
  readonly rules: RuleReader;
  readonly templates: TemplateReader;
  readonly webhooks: WebhookReader;
  readonly #begin: Statement<[], unknown>;
  readonly #commit: Statement<[], unknown>;

  constructor(settings: ReaderSettings) {
    this.db = openReader(settings.data_dir);
    this.state = new VersionedReader(this.db, STATE, settings.state_history);
    this.specs = new VersionedReader(this.db, SPECS, settings.state_history);
    this.events = new EventReader(this.db);
    this.rules = new RuleReader(this.db);
    this.templates = new TemplateReader(this.db);
    this.webhooks = new WebhookReader(this.db);
    this.#begin = this.db.prepare("BEGIN");
    this.#commit = this.db.prepare("COMMIT");
  }

  /** Runs a read over one snapshot of the database, which stays as it is until the last chunk was taken. */
  *snapshot<Item>(read: () => Iterable<Item>): Generator<Item, void, undefined> {
    this.#begin.run();
    try {
      yield* read();
    } finally {
      this.#commit.run();
    }
  }

  close(): void {
    this.db.close();
  }
}
