/**
 * The options of the search index of the documents. The build (build-docs.mjs) and the page use the same options. Data
 * only.
 */
import type { Options } from "minisearch";

/** A section of a page, as the index returns it. */
export interface Found {
  /** The address of the section. */
  readonly id: string;
  /** The title of the page. */
  readonly page: string;
  /** The heading of the section; "" for the beginning of the page. */
  readonly heading: string;
}

/** The options of the index. A word is found by its beginning, and also with a small typing error. */
export const INDEX_OPTIONS: Options = {
  fields: ["page", "heading", "text"],
  storeFields: ["page", "heading"],
  searchOptions: { boost: { page: 4, heading: 3 }, prefix: true, combineWith: "AND", fuzzy: 0.1 },
};
