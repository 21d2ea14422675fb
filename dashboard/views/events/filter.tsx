/** The filters of the event list: a topic pattern and the start of a replay. They are stored in the address. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { reasonOf } from "../../api/client.js";
import { Button } from "../../parts/button.js";
import { Fields, TextField } from "../../parts/fields.js";
import { idBefore } from "./loader.js";
import { cursorOf, type Asked } from "./model.js";

interface FilterProps {
  readonly asked: Asked;
  /** The reason why the server rejects the pattern; "" if it accepts it. */
  readonly refusal: string;
  readonly onAsk: (asked: Asked) => void;
}

/** The pattern is applied this long after the last key press, in ms. */
const REST_MS = 300;
const PATTERN_HINT = "* and ? within a segment, ** for several: api.**";
const SINCE_HINT = "start after an event id or at a time: 42, 14:02, 10m";

export function Filter({ asked, refusal, onAsk }: FilterProps) {
  const pattern = useSignal(asked.pattern);
  const since = useSignal(asked.since === null ? "" : String(asked.since));
  const wrong = useSignal("");
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    pattern.value = asked.pattern;
    since.value = asked.since === null ? "" : String(asked.since);
    wrong.value = "";
  }, [asked.pattern, asked.since]);
  useEffect(() => () => clearTimeout(rest.current), []);

  const ask = (): void => {
    clearTimeout(rest.current);
    if (pattern.value !== asked.pattern) onAsk({ ...asked, pattern: pattern.value.trim() });
  };
  const replay = async (): Promise<void> => {
    clearTimeout(rest.current);
    const cursor = cursorOf(since.value, Date.now());
    if (cursor === undefined) {
      wrong.value = "This is neither an event id nor a time.";
      return;
    }
    try {
      const id = cursor === null ? null : "id" in cursor ? cursor.id : await idBefore(cursor.timeMs);
      onAsk({ ...asked, pattern: pattern.value.trim(), since: id, until: null });
    } catch (error) {
      wrong.value = reasonOf(error);
    }
  };
  return (
    <form
      class="events-filter"
      onSubmit={(event) => {
        event.preventDefault();
        void replay();
      }}
    >
      <Fields>
        <TextField
          label="Pattern"
          value={pattern.value}
          placeholder="every topic"
          hint={refusal === "" ? PATTERN_HINT : refusal}
          invalid={refusal !== ""}
          onInput={(value) => {
            pattern.value = value;
            clearTimeout(rest.current);
            rest.current = setTimeout(ask, REST_MS);
          }}
        />
        <TextField
          label="Since"
          value={since.value}
          placeholder="the newest"
          hint={wrong.value === "" ? SINCE_HINT : wrong.value}
          invalid={wrong.value !== ""}
          onInput={(value) => {
            since.value = value;
            wrong.value = "";
          }}
        />
        <div class="field-button">
          <button type="submit" class="button">
            Replay
          </button>
          {asked.since !== null && (
            <Button onClick={() => onAsk({ ...asked, since: null, until: null })}>Newest first</Button>
          )}
        </div>
      </Fields>
    </form>
  );
}
