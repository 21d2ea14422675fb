/** The view of contracts: the table of all contracts, or the page of the contract in the address. */
import type { ViewProps } from "../../base/view-props.js";
import { ContractPage } from "./contract-page.js";
import { ContractTable } from "./contract-table.js";

export function View({ segments: [project = "", ...rest], query }: ViewProps) {
  const name = rest.join("/");
  if (name === "") return <ContractTable project={project === "" ? (query["project"] ?? "") : project} />;
  return <ContractPage key={`${project}/${name}`} project={project} name={name} endpoint={query["endpoint"] ?? ""} />;
}
