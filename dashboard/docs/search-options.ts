/**
 * The options of the search index of the documents, and the search itself. The build (build-docs.mjs), the page and the
 * test use the same ones.
 */
import type MiniSearch from "minisearch";
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

/** Words that a question contains, but that say nothing about its answer. */
const FILLERS = new Set(
  "a an and are can cannot do does for how i in is it me my of on or the to what when why with".split(" "),
);

/** The shortest stem that a word may have. Shorter words keep their ending. */
const STEM_CHARACTERS_MIN = 4;

/** Returns a word without the common endings, so that "revoke" finds "revoked", and "leases" finds "lease". */
function stemOf(word: string): string {
  const lower = word.toLowerCase();
  const stem = lower.replace(/ies$/, "y").replace(/(?:ing|ed|es|e|s)$/, "");
  return stem.length < STEM_CHARACTERS_MIN ? lower : stem;
}

/** The options of the index. A word is found by its beginning, and also with a small typing error. */
export const INDEX_OPTIONS: Options = {
  fields: ["page", "heading", "text"],
  storeFields: ["page", "heading"],
  processTerm: stemOf,
  searchOptions: { boost: { page: 4, heading: 3 }, prefix: true, combineWith: "AND", fuzzy: 0.1 },
};

/**
 * Returns the sections with all words of a query, the best ones first. If these sections are fewer than `wanted`, the
 * best sections with some of the words follow.
 */
export function searchSections(index: MiniSearch, query: string, wanted: number): readonly Found[] {
  const words = query.split(/\s+/).filter((word) => !FILLERS.has(word.toLowerCase()));
  const telling = words.length === 0 ? query : words.join(" ");
  const all = index.search(telling) as unknown as readonly Found[];
  if (all.length >= wanted) return all;
  const known = new Set(all.map(({ id }) => id));
  const some = index.search(telling, { combineWith: "OR", prefix: false }) as unknown as readonly Found[];
  return [...all, ...some.filter(({ id }) => !known.has(id))].slice(0, wanted);
}
