import type { ComponentChildren } from "preact";
import { Panel } from "../../parts/panel";

// GatePage is a page of one task, for somebody who is not signed in yet.
export const GatePage = ({ title, says, children }: { title: string; says: ComponentChildren; children: ComponentChildren }) => (
  <div class="wrap gate stack">
    <div><h1>{title}</h1><p class="soft">{says}</p></div>
    <Panel title="Your passkey"><div class="body">{children}</div></Panel>
    <section aria-labelledby="right-server">
      <h2 id="right-server">Is this the right server?</h2>
      <p class="soft">The address above must say <span class="mono any">{location.host}</span>, and be the one that you were told. If somebody asks you for a password here, it is not us.</p>
    </section>
  </div>
);
