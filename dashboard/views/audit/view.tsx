/** Audit. */
import { Page } from "../../parts/page.js";

export function View() {
  return <Page title="Audit">…</Page>;
}
