/** Leases: who holds what and who waits for whom; below the address of one, all about it. */
import type { ViewProps } from "../../base/view-props.js";
import { LeasePage } from "./lease-page.js";
import { LeaseList } from "./lease-list.js";

export function View({ segments: [id] }: ViewProps) {
  return id === undefined || id === "" ? <LeaseList /> : <LeasePage key={id} id={id} />;
}
