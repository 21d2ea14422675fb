/**
 * Runs the search field of the documents. Loads the index and the search library when the field is first used.
 */
import { INDEX_OPTIONS, searchSections, type Found } from "./search-options.js";

/** The maximum number of results that are listed. */
const RESULTS_MAX = 12;

type Search = (words: string) => readonly Found[];

const form = document.querySelector<HTMLFormElement>("#search");
const input = form?.querySelector("input");
const list = document.querySelector<HTMLOListElement>("#found");
const count = document.querySelector("#found-count");

/** Loads the search library and the index. */
async function load(): Promise<Search> {
  const [{ default: MiniSearch }, answer] = await Promise.all([
    import("minisearch"),
    fetch(document.body.dataset["index"] ?? ""),
  ]);
  if (!answer.ok) throw new Error(`the index was answered with ${answer.status}`);
  const index = MiniSearch.loadJSON(await answer.text(), INDEX_OPTIONS);
  return (words) => searchSections(index, words, RESULTS_MAX);
}

let loading: Promise<Search> | undefined;

function loadOnce(): Promise<Search> {
  loading ??= load().catch((error: unknown) => {
    // The index could not be loaded. The next key press tries again.
    loading = undefined;
    throw error;
  });
  return loading;
}

function resultItem({ id, page, heading }: Found): HTMLLIElement {
  const link = document.createElement("a");
  link.href = id;
  const title = document.createElement("b");
  title.textContent = page;
  link.append(title);
  if (heading !== "") link.append(` ${heading}`);
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function say(text: string): void {
  if (count !== null) count.textContent = text;
}

async function show(): Promise<void> {
  if (!input || list === null) return;
  const words = input.value.trim();
  if (words === "") {
    list.hidden = true;
    say("");
    return;
  }
  try {
    const search = await loadOnce();
    // The user has typed more while the index was loading.
    if (words !== input.value.trim()) return;
    const found = search(words);
    const shown = found.slice(0, RESULTS_MAX).map(resultItem);
    if (shown.length === 0) {
      const nothing = document.createElement("li");
      nothing.textContent = "Nothing found";
      shown.push(nothing);
    }
    list.replaceChildren(...shown);
    say(`${found.length} found`);
  } catch {
    const failed = document.createElement("li");
    failed.textContent = "The search index could not be loaded";
    list.replaceChildren(failed);
  }
  list.hidden = false;
}

/** Moves the focus by `step` in the list of the field and the results. */
function move(step: number): void {
  if (!input || list === null || list.hidden) return;
  const places: HTMLElement[] = [input, ...list.querySelectorAll("a")];
  const now = places.findIndex((place) => place === document.activeElement);
  places[(now + step + places.length) % places.length]?.focus();
}

/** Shows the search field. Without this script, a page has no search. */
export function startSearch(): void {
  if (form === null || !input || list === null) return;
  form.hidden = false;
  input.addEventListener("focus", () => void loadOnce().catch(() => undefined), { once: true });
  input.addEventListener("input", () => void show());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.click();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      list.hidden = true;
      input.focus();
    }
  });
  form.addEventListener("focusout", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && form.contains(relatedTarget))) list.hidden = true;
  });
  list.addEventListener("click", () => {
    list.hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    input.focus();
  });
}
