import { Listing } from "../../app/page";
import { useLoad } from "../../app/load";
import type { Place } from "../../app/router";
import { useOnEvent } from "../../app/session";
import type { Resource, Tool } from "../../app/admin";
import { plural } from "../../app/words";
import { Icon } from "../../parts/icon";
import { Empty, Notice } from "../../parts/notice";
import { Cell, Panel, Table } from "../../parts/panel";
import { Outside } from "../../parts/spans";

export function ResourcesPage(_: { place: Place }) {
  const list = useLoad<{ resources: readonly Resource[] }>("/v1/resources");
  useOnEvent((e) => {
    if (e.entity) list.again();
  });
  return (
    <Listing title="Resources" of={list} awaited="Asking what is protected." says={({ resources }) => `${plural(resources.length, "protected endpoint", "protected endpoints")}. What has no label is held, never allowed.`}>
      {({ resources }) => resources.length === 0 ? (
        <Empty icon="box" title="Nothing is protected yet."><p>A resource is a server that agents reach through this one. It is named in the configuration file.</p><code class="snip">countersign resource ls</code></Empty>
      ) : <div class="stack">{resources.map((r) => <ResourcePanel key={r.name} resource={r} />)}</div>}
    </Listing>
  );
}

const Missing = ({ children }: { children: string }) => <b>{children}</b>;

function ResourcePanel({ resource: r }: { resource: Resource }) {
  const tools = Object.entries(r.tools ?? {}).sort(([a], [b]) => a.localeCompare(b));
  const moved = tools.filter(([, t]) => t.changed);
  return (
    <Panel id={r.name} title={<Outside text={r.name} />} tags={r.environment ? [r.environment] : []} end={<a href={`/history?resource=${encodeURIComponent(r.name)}`}>What was asked of it<span class="vh">, {r.name}</span></a>}>
      <div class="body">
        {moved.length > 0 && (
          <Notice kind="warn" title={`${plural(moved.length, "tool is", "tools are")} not what was pinned.`}><p>The definition of {moved.map(([n]) => n).join(", ")} changed since somebody looked at it. Calls of it are held until it is pinned again.</p></Notice>
        )}
        <dl class="dl">
          <dt>Environment</dt><dd>{r.environment || <Missing>unlabelled</Missing>}</dd>
          <dt>Region</dt><dd>{r.regions?.join(", ") || <Missing>unlabelled</Missing>}</dd>
          <dt>Data</dt><dd>{r.data_classes?.join(", ") || <Missing>unlabelled</Missing>}</dd>
          <dt>Owned by</dt><dd>{r.owners?.length ? <Outside text={r.owners.join(", ")} /> : "nobody"}</dd>
          {r.guarded_by && <><dt>Guarded by</dt><dd>{r.guarded_by.length > 0 ? r.guarded_by.map((id, i) => <span key={id}>{i > 0 && ", "}<a class="mono" href={`/policy#${encodeURIComponent(id)}`}>{id}</a></span>) : <Missing>no rule: everything is held</Missing>}</dd></>}
          {r.unsafe_same_user && <><dt>Isolation</dt><dd><Missing>none: it runs under the server's own account</Missing></dd></>}
        </dl>
      </div>
      {tools.length > 0 && <Tools of={r.name} tools={tools} />}
    </Panel>
  );
}

const Tools = ({ of, tools }: { of: string; tools: readonly (readonly [string, Tool])[] }) => (
  <Table label={`Tools of ${of}`} columns={[{ name: "Tool" }, { name: "Does" }, { name: "Data" }, { name: "Goes to" }, { name: "Definition" }]}>
    {tools.map(([name, t]) => (
      <tr key={name} role="row">
        <Cell class="mono full any"><Outside text={name} /></Cell>
        <Cell label="does" class="mono">{t.verbs?.join(", ") || <b>unknown</b>}</Cell>
        <Cell label="data">{t.classes?.join(", ") || "as the resource"}</Cell>
        <Cell label="goes to">{t.sink ? <Outside text={t.sink} /> : "the requester"}</Cell>
        <Cell label="definition">{t.changed ? <span class="state"><Icon name="circle-alert" />changed</span> : t.pin ? "pinned" : t.listed ? "not seen yet" : "not listed"}</Cell>
      </tr>
    ))}
  </Table>
);
