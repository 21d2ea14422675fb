/**
 * The SQL of templates. The writer stores and removes templates. The front and the pool read them. A stored template
 * never changes.
 */
import type { CheckedTemplate, TemplateKind } from "../../../schemas/templates.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

export interface TemplateSummaryRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly kind: TemplateKind;
  /** An array of strings, as JSON text. */
  readonly tags: string;
  readonly version: number;
  /** The creation time, in ms since the epoch. The same unit applies to updated_at. */
  readonly created_at: number;
  readonly updated_at: number;
}

export interface TemplateRow extends TemplateSummaryRow {
  /** The JSON text of the data, as the client sent it. */
  readonly data: string;
}

/**
 * The columns that are needed to apply a template. `rules` is the JSON text of an array of CheckedRules, which have no
 * project yet.
 */
export interface TemplateContent {
  readonly kind: TemplateKind;
  readonly data: string;
  readonly rules: string;
}

const FIRST_VERSION = 1;
const SUMMARY = "id, name, description, kind, tags, version, created_at, updated_at";

type Values = [
  id: string,
  name: string,
  description: string,
  kind: string,
  tags: string,
  version: number,
  createdAt: number,
  updatedAt: number,
  data: string,
  rules: string,
];

export class TemplateWriter {
  readonly #insert: Statement<Values, unknown>;
  readonly #exists: Statement<[string], unknown>;
  readonly #content: Statement<[string], TemplateContent>;
  readonly #remove: Statement<[string], unknown>;

  constructor(db: Db) {
    this.#insert = db.prepare("INSERT INTO template VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#exists = db.prepare("SELECT 1 FROM template WHERE id = ?");
    this.#content = db.prepare("SELECT kind, data, rules FROM template WHERE id = ?");
    this.#remove = db.prepare("DELETE FROM template WHERE id = ?");
  }

  exists(id: string): boolean {
    return this.#exists.get(id) !== undefined;
  }

  store({ id, name, description, kind, tags, data, rules }: CheckedTemplate, nowMs: number): void {
    this.#insert.run(
      id,
      name,
      description,
      kind,
      JSON.stringify(tags),
      FIRST_VERSION,
      nowMs,
      nowMs,
      data,
      JSON.stringify(rules),
    );
  }

  content(id: string): TemplateContent | undefined {
    return this.#content.get(id);
  }

  /** Removes a template. Returns false if there is no such template. */
  remove(id: string): boolean {
    return this.#remove.run(id).changes > 0;
  }
}

export const templateWriter: Model<TemplateWriter> = { open: ({ db }) => new TemplateWriter(db) };

export class TemplateReader {
  readonly #list: Statement<
    [{ readonly kind: string | null; readonly tag: string | null; readonly after: string }],
    TemplateSummaryRow
  >;
  readonly #get: Statement<[string], TemplateRow>;

  constructor(db: Db) {
    this.#list = db.prepare(`SELECT ${SUMMARY} FROM template WHERE kind = coalesce($kind, kind)
      AND id > $after AND ($tag IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = $tag)) ORDER BY id`);
    this.#get = db.prepare(`SELECT ${SUMMARY}, data FROM template WHERE id = ?`);
  }

  /** Iterates over templates in the order of their ids. `kind` and `tag` are filters; null matches any template. */
  list(kind: string | null, tag: string | null, after: string): IterableIterator<TemplateSummaryRow> {
    return this.#list.iterate({ kind, tag, after });
  }

  get(id: string): TemplateRow | undefined {
    return this.#get.get(id);
  }
}

export const templateReader: Model<TemplateReader> = { open: ({ db }) => new TemplateReader(db) };
