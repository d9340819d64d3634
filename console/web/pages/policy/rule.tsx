import { useEffect, useRef } from "preact/hooks";
import type { PolicyRule } from "../../app/admin";
import { Panel } from "../../parts/panel";

const effects: Readonly<Record<string, string>> = { allow: "allows", hold: "holds", deny: "denies" };

// RulePanel is a rule as people read it; links from requests lead here.
export function RulePanel({ rule, here }: { rule: PolicyRule; here: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (here) box.current?.scrollIntoView({ block: "start" });
  }, [here]);
  return (
    <div ref={box} class={here ? "here" : ""}>
      <Panel id={rule.id} title={<span class="mono any">{rule.id}</span>} tags={[effects[rule.effect] ?? rule.effect]} end={<span class="mono any">{rule.source}</span>}>
        <div class="body">
          {rule.why && <p>{rule.why}</p>}
          <dl class="dl">
            {rule.match && <><dt>Looks at</dt><dd class="mono any">{rule.match}</dd></>}
            {rule.when && <><dt>When</dt><dd class="mono any">{rule.when}</dd></>}
            {rule.require && <><dt>Then needs</dt><dd class="any">{rule.require}</dd></>}
          </dl>
        </div>
        <footer><a href={`/history?rule=${encodeURIComponent(rule.id)}`}>What it spoke of<span class="vh">, {rule.id}</span></a></footer>
      </Panel>
    </div>
  );
}
