/** Shows the endpoints of a contract, each with a table of its fields. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { plural } from "../../base/format.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Code } from "../../parts/code.js";
import { Empty } from "../../parts/empty.js";
import { TextField } from "../../parts/fields.js";
import { FIELD_ROWS_MAX, filterEndpoints, type Definition, type Endpoint, type FieldRow } from "./model.js";

interface EndpointsProps {
  readonly endpoints: readonly Endpoint[];
  /** The name of the selected endpoint. */
  readonly current: string;
  readonly onTry: (name: string) => void;
}

/** The maximum number of endpoints that are rendered at first. */
const SHOWN_FIRST = 40;
/** The minimum number of endpoints for which a search field is shown. */
const SEARCHED_FROM = 4;

export function Endpoints({ endpoints, current, onTry }: EndpointsProps) {
  const words = useSignal("");
  const all = useSignal(false);
  const found = filterEndpoints(endpoints, words.value);
  const shown = all.value ? found : found.slice(0, SHOWN_FIRST);
  useEffect(() => {
    if (current !== "") document.getElementById(idOf(current))?.scrollIntoView({ block: "nearest" });
  }, []);
  if (endpoints.length === 0)
    return <Empty title="No endpoints">Every check of this contract finds a violation.</Empty>;
  return (
    <div class="endpoints">
      {endpoints.length >= SEARCHED_FROM && (
        <TextField
          label="Search"
          type="search"
          value={words.value}
          onInput={(text) => {
            words.value = text;
          }}
          placeholder="method, path or field"
        />
      )}
      {shown.map((endpoint) => (
        <EndpointCard key={endpoint.name} endpoint={endpoint} current={endpoint.name === current} onTry={onTry} />
      ))}
      {found.length === 0 && <p class="hint">None of {plural(endpoints.length, "endpoint")} matches.</p>}
      {shown.length < found.length && (
        <Button
          onClick={() => {
            all.value = true;
          }}
        >
          {`Show all ${found.length} endpoints`}
        </Button>
      )}
    </div>
  );
}

function idOf(name: string): string {
  return `endpoint ${name}`;
}

interface EndpointCardProps {
  readonly endpoint: Endpoint;
  readonly current: boolean;
  readonly onTry: (name: string) => void;
}

function EndpointCard({ endpoint, current, onTry }: EndpointCardProps) {
  const { name, method, path, status, definitions } = endpoint;
  const schemas = definitions.filter(({ content }) => "schema" in content);
  const others = definitions.filter(({ content }) => !("schema" in content));
  return (
    <article class={current ? "card endpoint endpoint-current" : "card endpoint"} id={idOf(name)} aria-label={name}>
      <div class="endpoint-head">
        <h3>
          <span class="method">{method}</span> <code>{path}</code>
        </h3>
        {status !== "" && <Badge>{`status ${status}`}</Badge>}
        <div class="endpoint-try">
          <Button onClick={() => onTry(name)} pressed={current} label={`Try ${name}`}>
            Try
          </Button>
        </div>
      </div>
      {definitions.length === 0 && <p class="hint">No definitions.</p>}
      {others.length > 0 && <FieldTable definitions={others} label={`Fields of ${name}`} />}
      {schemas.map((definition) => (
        <div key={definition.member}>
          <h4>{definition.title} by JSON Schema</h4>
          {"schema" in definition.content && (
            <Code
              text={definition.content.schema}
              content_type="application/json"
              label={`${definition.title} of ${name}`}
            />
          )}
        </div>
      ))}
    </article>
  );
}

function FieldTable({ definitions, label }: { readonly definitions: readonly Definition[]; readonly label: string }) {
  return (
    <div class="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table class="field-table" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col">Required</th>
            <th scope="col">Values</th>
          </tr>
        </thead>
        {definitions.map((definition) => (
          <DefinitionRows key={definition.member} definition={definition} />
        ))}
      </table>
    </div>
  );
}

function DefinitionRows({ definition: { title, content } }: { readonly definition: Definition }) {
  const rows = "rows" in content ? content.rows : [];
  return (
    <tbody>
      <tr class="definition">
        <th scope="rowgroup" colSpan={4}>
          {title}
          {"malformed" in content && <span class="failure"> {content.malformed}</span>}
          {"rows" in content && rows.length === 0 && <span class="muted"> has no fields</span>}
        </th>
      </tr>
      {rows.map((row, at) => (
        <FieldLine key={at} row={row} />
      ))}
      {rows.length >= FIELD_ROWS_MAX && (
        <tr>
          <td colSpan={4} class="hint">
            Only the first {FIELD_ROWS_MAX} fields are shown.
          </td>
        </tr>
      )}
    </tbody>
  );
}

function FieldLine({ row: { name, depth, type, required, nullable, allowed } }: { readonly row: FieldRow }) {
  return (
    <tr>
      <td style={{ paddingLeft: `${0.75 + depth * 1.25}rem` }}>
        <code>{name}</code>
      </td>
      <td>
        {type}
        {nullable && " or null"}
      </td>
      <td>{required ? "required" : <span class="muted">optional</span>}</td>
      <td>{allowed.length === 0 ? <span class="muted">any</span> : <code>{allowed.join(" · ")}</code>}</td>
    </tr>
  );
}
