/** Keeps filters in the query of the page's address. So a user can share a link to exactly what the page shows. */
import { useLocation } from "preact-iso/router";
import { query as queryOf } from "../base/path.js";

export interface AddressQuery {
  readonly query: Readonly<Record<string, string>>;
  /** Sets some parameters; a value of "" removes the parameter. Does not add an entry to the browser's history. */
  readonly set: (changes: Readonly<Record<string, string>>) => void;
  /** Does the same as `set`, and adds an entry to the browser's history. So the Back button reverts the change. */
  readonly go: (changes: Readonly<Record<string, string>>) => void;
}

export function useAddressQuery(): AddressQuery {
  const { path, query, route } = useLocation();
  const change = (replace: boolean) => (changes: Readonly<Record<string, string>>) =>
    route(path + queryOf({ ...query, ...changes }), replace);
  return { query, set: change(true), go: change(false) };
}
