/** The view of leases: the wait graph and the table, or the page of the lease in the address. */
import type { ViewProps } from "../../base/view-props.js";
import { LeasePage } from "./lease-page.js";
import { LeaseList } from "./lease-list.js";

export function View({ segments: [id] }: ViewProps) {
  return id === undefined || id === "" ? <LeaseList /> : <LeasePage key={id} id={id} />;
}
