/** Contracts. */
import { Page } from "../../parts/page.js";

export function View() {
  return <Page title="Contracts">…</Page>;
}
