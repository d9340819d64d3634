import type { Problem } from "../app/api";
import { ProblemNotice } from "./notice";
import { Renew } from "./renew";

// Refused is a refusal, with the way past it where that is a fresh sign-in.
export const Refused = ({ of }: { of: Problem }) => (
  <ProblemNotice of={of}>{of.code === "assurance_too_low" && <div class="acts"><Renew /></div>}</ProblemNotice>
);
