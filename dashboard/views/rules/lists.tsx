/**
 * Lists the rules of all projects: proposed rules with their actions, decided rules in one table, and filters for both.
 */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { query as queryOf } from "../../base/path.js";
import { useResource } from "../../api/resource.js";
import type { Rule } from "../../api/types.js";
import { count, plural } from "../../base/format.js";
import { Button } from "../../parts/button.js";
import { Dialog } from "../../parts/dialog.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields, TextField } from "../../parts/fields.js";
import { Failure } from "../../parts/notice.js";
import { Page, Section } from "../../parts/page.js";
import { CheckPanel } from "./check-panel.js";
import { Decide } from "./decide.js";
import { allRules, previewPath, validatePath } from "./loader.js";
import { distinct, EVERY_PROJECT, filterRules, nameOf, splitRules, STATUSES, type RuleFilter } from "./model.js";
import { DecidedTable, ProposedTable } from "./tables.js";

/** The maximum number of proposed rules that are shown. It is small, because each takes more than one line. */
const PROPOSED_SHOWN_MAX = 50;

export function RuleLists({ query }: { readonly query: Readonly<Record<string, string>> }) {
  const rules = useResource(allRules);
  const { route } = useLocation();
  const words = useSignal(query["q"] ?? "");
  /** The rule whose preview is open. */
  const lookedAt = useSignal<Rule | null>(null);
  const checking = useSignal(false);
  const { project = "", status = "", source = "" } = query;
  const filter: RuleFilter = { project, status, source, words: words.value };
  const choose = (changed: Partial<RuleFilter>): void => {
    const { words: q, ...rest } = { ...filter, ...changed };
    words.value = q;
    route(`/rules${queryOf({ ...rest, q })}`, true);
  };

  const all = rules.data.value;
  const projects = distinct([...(all ?? []).map((rule) => rule.project), ...(project === "" ? [] : [project])]);
  const sources = distinct([...(all ?? []).map((rule) => rule.source), ...(source === "" ? [] : [source])]);
  const { proposed, decided } = splitRules(filterRules(all ?? [], filter));
  const preview = lookedAt.value;
  const undecided = all?.find((rule) => preview !== null && nameOf(rule) === nameOf(preview))?.status === "proposed";
  const close = (): void => {
    lookedAt.value = null;
  };
  return (
    <Page
      title="Rules"
      actions={
        project !== "" && (
          <Button
            onClick={() => {
              checking.value = true;
            }}
          >
            Check a file
          </Button>
        )
      }
    >
      <Failure of={rules} />
      <Fields>
        <TextField
          label="Search"
          type="search"
          value={words.value}
          onInput={(text) => choose({ words: text })}
          placeholder="id, regex, message"
        />
        <Choice
          label="Project"
          value={project}
          choices={[["", "All projects"], ...projects.map(projectChoice)]}
          onChoose={(value) => choose({ project: value })}
        />
        <Choice
          label="Status"
          value={status}
          choices={[["", "Any status"], ...STATUSES.map((value) => [value, value] as const)]}
          onChoose={(value) => choose({ status: value })}
        />
        <Choice
          label="Source"
          value={source}
          choices={[["", "Any source"], ...sources.map((value) => [value, value] as const)]}
          onChoose={(value) => choose({ source: value })}
        />
      </Fields>
      {all?.length === 0 && (
        <Empty title="No rules yet" command="koor-cli rules import --file rules.json">
          A rule says what a text must not, or must, contain. Agents propose rules; you accept or reject them here. To
          import a file of rules:
        </Empty>
      )}
      {all !== undefined && all.length > 0 && proposed.length + decided.length === 0 && (
        <p class="hint">None of {plural(all.length, "rule")} matches.</p>
      )}
      {proposed.length > 0 && (
        <Section
          title="Proposed"
          actions={<span class="hint">{plural(proposed.length, "proposal")} to decide on</span>}
        >
          <ProposedTable
            rules={proposed.slice(0, PROPOSED_SHOWN_MAX)}
            onPreview={(rule) => {
              lookedAt.value = rule;
            }}
            onDone={() => rules.refresh()}
          />
          {proposed.length > PROPOSED_SHOWN_MAX && (
            <p class="hint">
              And {count(proposed.length - PROPOSED_SHOWN_MAX)} more: search, or choose a project, to see them.
            </p>
          )}
        </Section>
      )}
      {decided.length > 0 && (
        <Section title="Decided" actions={<span class="hint">{plural(decided.length, "rule")}</span>}>
          <DecidedTable rules={decided} />
        </Section>
      )}
      {preview !== null && (
        <Dialog title={`Preview of ${nameOf(preview)}`} onClose={close}>
          <CheckPanel path={previewPath(preview)} about={preview} />
          {undecided && (
            <div class="dialog-actions">
              <Decide
                rule={preview}
                onDone={() => {
                  close();
                  return rules.refresh();
                }}
              />
            </div>
          )}
        </Dialog>
      )}
      {checking.value && (
        <Dialog
          title={
            project === EVERY_PROJECT ? "Check a file against the rules of every project" : `Check a file of ${project}`
          }
          onClose={() => {
            checking.value = false;
          }}
        >
          <CheckPanel path={validatePath(project)} about={null} />
        </Dialog>
      )}
    </Page>
  );
}

function projectChoice(project: string): readonly [string, string] {
  return [project, project === EVERY_PROJECT ? `${project} (every project)` : project];
}
