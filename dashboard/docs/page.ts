/** Runs a page of the documents. Without this script, everything except the search and the copy buttons works. */
import { addCopyButtons } from "./copy.js";
import { startSearch } from "./search.js";

startSearch();
addCopyButtons();

// The list of contents is longer than most screens, so the entry of this page may be below its end.
const contents = document.querySelector(".contents");
const current = contents?.querySelector<HTMLElement>("[aria-current]");
if (contents && current) contents.scrollTop = current.offsetTop - contents.clientHeight / 2;

// A link to a heading of the same page loads no new page, so the list that covers a narrow page must be closed here.
contents?.addEventListener("click", (event) => {
  const open = document.querySelector<HTMLInputElement>("#contents-open");
  if (open !== null && event.target instanceof Element && event.target.closest("a") !== null) open.checked = false;
});
