/** The calls about specs: versioned documents by project and name. */
import type { CallOptions } from "./deadline.js";
import type { Transport } from "./transport.js";
import type { SpecDiff, SpecEntry, SpecProject, SpecStored, SpecVersion } from "./types.js";
import {
  segment,
  VersionedValues,
  type FenceOptions,
  type GetOptions,
  type ListOptions,
  type Versioned,
  type WriteOptions,
} from "./versioned.js";

type SpecWriteOptions = Omit<WriteOptions, "content_type">;

export interface SpecListOptions extends CallOptions {
  /** Only names after this one. */
  readonly after?: string;
}

function pathOf(project: string, name: string): string {
  return `/api/specs/${segment(project)}/${segment(name)}`;
}

export class Specs {
  readonly #values: VersionedValues;

  constructor(transport: Transport) {
    this.#values = new VersionedValues(transport);
  }

  /** Reads a spec. Fails with NotFoundError if it does not exist. */
  async get<Value = unknown>(project: string, name: string, options?: GetOptions): Promise<Versioned<Value>> {
    return (await this.#values.get(pathOf(project, name), options)) as Versioned<Value>;
  }

  /** Writes a spec. If the spec is a contract and some of its definitions cannot be used, the answer has `warnings`. */
  set(project: string, name: string, value: unknown, options?: SpecWriteOptions): Promise<SpecStored> {
    return this.#values.set(pathOf(project, name), value, options);
  }

  /** Updates a spec without losing the update of another client, like `state.update`. */
  update<Value = unknown>(
    project: string,
    name: string,
    change: (value: Value | undefined) => Value | undefined | Promise<Value | undefined>,
    options: FenceOptions = {},
  ): Promise<SpecStored | undefined> {
    return this.#values.update(pathOf(project, name), change as (value: unknown) => unknown, options);
  }

  /** Deletes a spec. Its history is kept. */
  async delete(project: string, name: string, options?: SpecWriteOptions): Promise<void> {
    await this.#values.delete(pathOf(project, name), options);
  }

  /** Writes an older version of a spec again, as a new version. */
  rollback(project: string, name: string, version: number, options?: SpecWriteOptions): Promise<SpecStored> {
    return this.#values.rollback(pathOf(project, name), version, options);
  }

  /** Lists the versions of a spec, the newest first. */
  history(project: string, name: string, options?: ListOptions): Promise<SpecVersion[]> {
    return this.#values.history(pathOf(project, name), options);
  }

  /** Returns the differences between two versions. */
  diff(project: string, name: string, from: number, to: number, options?: CallOptions): Promise<SpecDiff> {
    return this.#values.diff(pathOf(project, name), from, to, options);
  }

  /** Lists the specs of a project, sorted by name. */
  list(project: string, options: SpecListOptions = {}): Promise<SpecEntry[]> {
    return this.#values.list(`/api/specs/${segment(project)}`, { after: options.after }, options, "specs");
  }

  /** Lists the projects that have specs, sorted by name. */
  projects(options: SpecListOptions = {}): Promise<SpecProject[]> {
    return this.#values.list("/api/specs", { after: options.after }, options, "projects");
  }
}
