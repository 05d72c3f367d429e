/** The page's question why one place of the lab reaches another: what `ns-net explain` says, and where that is in the picture. */
import { code, Fault } from "../../../conf/fault.ts";
import type { Answer } from "../../../explain/path/answer.ts";
import { diagramOf } from "../../../lab/graph/diagramOf.ts";
import { type HopSeen, type Passed, passedBy } from "../../../lab/graph/passed.ts";
import { inspect, live, running } from "../../../lab/supervisor/client.ts";
import type { LabState } from "../../../lab/supervisor/state.ts";
import { hearInLab, hostOf, placeOf } from "../inside.ts";
import { named } from "../named.ts";

type Said = Pick<Answer, "to" | "verdict" | "cause"> & { readonly hops: readonly HopSeen[] };

export interface Explained extends Said, Passed {
  /** The command that says the same. */
  readonly words: string;
}

const portPattern = /^\d{1,5}(?:\/(?:tcp|udp))?$/;

/** `from` and `to` are pods, hosts, or outside; `port` is `80` or `53/udp`, or absent for a ping. Throws Fault. */
export async function explained(
  state: LabState,
  from: string,
  to: string,
  port: string | undefined,
): Promise<Explained> {
  const [inspected, { lab }, now] = await Promise.all([inspect(state), running(state), live(state)]);
  const { hosts, pods, outside } = inspected;
  for (const one of [from, to]) named([...pods, ...hosts, ...(outside ? [outside] : [])], one, state.lab);
  if (port !== undefined && !portPattern.test(port))
    throw new Fault(code.config, `There is no port ${port}`, "Write a number, or a number and a protocol: 80, 53/udp");
  const words = ["explain", from, port === undefined ? to : `${to}:${port}`];
  const { exitCode, output, errors } = await hearInLab(state, inspected, from, [...words, "--json"]);
  if (output === "") throw new Fault(code.unavailable, errors.trim() || `ns-net explain ended with ${exitCode}`, "");
  const said = JSON.parse(output) as Said;
  return {
    ...said,
    ...passedBy(diagramOf(lab, now), hostOf(inspected, from).name, said.hops),
    words: `ns-net ${words.join(" ")} --lab ${placeOf(inspected, from)}`,
  };
}
