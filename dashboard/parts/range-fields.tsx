/**
 * The fields of a time range: from, to, and quick ranges that end now. The range is stored in the query of the page's
 * address.
 */
import { fromField, toField } from "../base/local-time.js";
import { QUICK_RANGES } from "../base/quick-ranges.js";
import type { AddressQuery } from "./address-query.js";
import { Button } from "./button.js";
import { TextField } from "./fields.js";

interface RangeFieldsProps {
  /** The start of the range in RFC 3339; "" if it has none. `to` is its end. */
  readonly from: string;
  readonly to: string;
  readonly set: AddressQuery["set"];
}

export function RangeFields({ from, to, set }: RangeFieldsProps) {
  return (
    <>
      <div class="range-fields">
        <FromToFields from={from} to={to} set={set} />
      </div>
      <div class="range-quick">
        <span class="label" id="range-quick">
          The last
        </span>
        <div class="buttons" role="group" aria-labelledby="range-quick">
          {QUICK_RANGES.map(([words, ms]) => (
            <Button key={words} onClick={() => set({ from: new Date(Date.now() - ms).toISOString(), to: "" })}>
              {words}
            </Button>
          ))}
        </div>
      </div>
    </>
  );
}

/** The fields for start and end, without the quick ranges. */
export function FromToFields({ from, to, set }: RangeFieldsProps) {
  return (
    <>
      <TextField
        label="From"
        type="datetime-local"
        value={toField(from)}
        onInput={(text) => set({ from: fromField(text) })}
      />
      <TextField
        label="To"
        type="datetime-local"
        value={toField(to)}
        onInput={(text) => set({ to: fromField(text) })}
      />
    </>
  );
}
