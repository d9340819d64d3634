import { useState } from "preact/hooks";
import { at, post, problemOf, remove, type Problem } from "../../app/api";
import { useLoad } from "../../app/load";
import type { Invite } from "../../app/admin";
import { stamp } from "../../app/words";
import { Copy } from "../../parts/copy";
import { Field, Line } from "../../parts/field";
import { Notice } from "../../parts/notice";
import { Cell, Panel, Table } from "../../parts/panel";
import { Refused } from "../../parts/refused";
import { Outside } from "../../parts/spans";

type Made = Invite & { link: string };

// Invites are the links that wait to be used, and the form that makes one.
export function Invites({ groups }: { groups: readonly string[] }) {
  const list = useLoad<{ invites: readonly Invite[] }>("/v1/invites");
  const [problem, fail] = useState<Problem>();
  const refused = problem ?? list.problem;
  const open = list.data?.invites ?? [];
  const cancel = async (i: Invite) => {
    try {
      await remove(at("invites", i.id));
      fail(undefined);
    } catch (e) {
      fail(problemOf(e));
    }
    list.again();
  };
  return (
    <Panel title="Invite a reviewer" id="invite">
      <div class="body"><InviteForm groups={groups} onMade={list.again} /></div>
      {refused && <div class="body"><Refused of={refused} /></div>}
      {open.length > 0 && (
        <Table label="Open invitations" columns={[{ name: "For" }, { name: "Groups" }, { name: "By" }, { name: "Until" }, { name: "Act", num: true }]}>
          {open.map((i) => (
            <tr key={i.id} role="row">
              <Cell class="full any"><Outside text={i.name} /></Cell><Cell label="groups">{i.groups.join(", ") || "none"}</Cell><Cell label="by"><Outside text={i.by} /></Cell><Cell label="until">{stamp(i.expires_at)}</Cell>
              <Cell class="acting"><button type="button" class="btn small" onClick={() => void cancel(i)}>Take back<span class="vh"> the invitation of {i.name}</span></button></Cell>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
}

// InviteForm makes a link, which is shown once.
export function InviteForm({ groups, onMade }: { groups: readonly string[]; onMade: () => void }) {
  const [name, setName] = useState("");
  const [chosen, choose] = useState<readonly string[]>([]);
  const [made, setMade] = useState<Made>();
  const [problem, fail] = useState<Problem>();
  const invite = async () => {
    try {
      setMade(await post<Made>("/v1/invites", { name: name.trim(), groups: chosen }));
      setName("");
      fail(undefined);
      onMade();
    } catch (e) {
      fail(problemOf(e));
    }
  };
  const toggle = (g: string) => choose((c) => (c.includes(g) ? c.filter((x) => x !== g) : [...c, g]));
  return (
    <form class="inner stack" onSubmit={(e) => { e.preventDefault(); void invite(); }}>
      <Line label="Name" value={name} onValue={setName} required />
      {groups.length > 0 && (
        <fieldset class="ticks"><legend class="lab">Groups</legend>{groups.map((g) => <label key={g} class="tick"><input type="checkbox" checked={chosen.includes(g)} onChange={() => toggle(g)} />{g}</label>)}</fieldset>
      )}
      <div><button class="btn solid" disabled={name.trim() === ""}>Make an invitation link</button></div>
      <p class="faint">Works once. Whoever uses it enrols a passkey of their own.</p>
      {problem && <Refused of={problem} />}
      {made && <LinkOnce made={made} />}
    </form>
  );
}

const LinkOnce = ({ made }: { made: Made }) => (
  <Notice answers kind="done" title={`Give this link to ${made.name}, and to nobody else.`}>
    <p>It is shown here once, and works once, until {stamp(made.expires_at)}.{made.request && <> Another person must let {made.name} in first: <a href={`/r/${made.request}`}>open the request</a>.</>}</p>
    <Field label="Invitation link">{(id) => <input id={id} type="text" class="mono" readOnly value={made.link} onFocus={(e) => e.currentTarget.select()} />}</Field>
    <div class="acts"><Copy text={made.link} what="the invitation link" label="Copy the link" /></div>
  </Notice>
);
