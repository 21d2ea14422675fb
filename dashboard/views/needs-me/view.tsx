/** Needs me. */
import { Page } from "../../parts/page.js";

export function View() {
  return <Page title="Needs me">…</Page>;
}
