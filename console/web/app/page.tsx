import type { ComponentChildren } from "preact";
import { ProblemNotice, Waiting } from "../parts/notice";
import type { Loaded } from "./load";
import { useTitle } from "./router";

// Top is the head of a page: what it is, in a line, and what one can do with it.
export const Top = ({ title, says, children }: { title: string; says?: ComponentChildren; children?: ComponentChildren }) => (
  <div class="top"><div><h1>{title}</h1>{says && <p>{says}</p>}</div>{children}</div>
);

// Listing is a page over one answer of the server: awaited, refused, or there.
export function Listing<T>({ title, says, of, awaited, narrow = false, acts, children }: {
  title: string;
  says?: (data: T) => ComponentChildren;
  of: Loaded<T>;
  awaited: string;
  narrow?: boolean;
  acts?: ComponentChildren;
  children: (data: T) => ComponentChildren;
}) {
  useTitle(title);
  const { data, problem, again } = of;
  return (
    <div class={narrow ? "wrap narrow" : "wrap"}>
      <Top title={title} says={data !== undefined && says?.(data)}>{acts}</Top>
      {problem && <ProblemNotice of={problem}><div class="acts"><button type="button" class="btn small" onClick={again}>Try again</button></div></ProblemNotice>}
      {data !== undefined ? children(data) : !problem && <Waiting on={awaited} />}
    </div>
  );
}
