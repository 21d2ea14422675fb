/** What filters say stands in the address, so that a link to what is seen can be sent to somebody. */
import { useLocation } from "preact-iso/router";
import { query as queryOf } from "../base/path.js";

export interface AddressQuery {
  readonly query: Readonly<Record<string, string>>;
  /** Changes some members; "" takes one out. It makes no entry in the browser's history. */
  readonly set: (changes: Readonly<Record<string, string>>) => void;
}

export function useAddressQuery(): AddressQuery {
  const { path, query, route } = useLocation();
  return { query, set: (changes) => route(path + queryOf({ ...query, ...changes }), true) };
}
