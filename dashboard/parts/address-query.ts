/** Filters are kept in the address's query, so that a link to the current view can be shared. */
import { useLocation } from "preact-iso/router";
import { query as queryOf } from "../base/path.js";

export interface AddressQuery {
  readonly query: Readonly<Record<string, string>>;
  /** Sets some parameters; "" removes one. It adds no entry to the browser's history. */
  readonly set: (changes: Readonly<Record<string, string>>) => void;
}

export function useAddressQuery(): AddressQuery {
  const { path, query, route } = useLocation();
  return { query, set: (changes) => route(path + queryOf({ ...query, ...changes }), true) };
}
