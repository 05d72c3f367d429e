/** The tables of `npm run bench`: one verb of one contestant beside the others. */
import type { Label } from "./contestant.ts";
import { figure, markdownTable } from "./statistics.ts";

export interface Figures {
  readonly pods: number;
  readonly ipMasq: boolean;
  readonly label: Label | "floor";
  readonly verb: "add" | "del";
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Times of each contestant, and the ratios to the reference where that is among them. */
export function sideBySide(all: readonly Figures[], labels: readonly Label[], podCounts: readonly number[]): string {
  const others = labels.includes("reference") ? labels.filter((label) => label !== "reference") : [];
  const rows = [true, false].flatMap((ipMasq) =>
    (["add", "del"] as const).flatMap((verb) =>
      podCounts.map((pods) => {
        const of = (label: Figures["label"]) =>
          all.find((f) => f.ipMasq === ipMasq && f.verb === verb && f.pods === pods && f.label === label);
        const cells = (time: "wallMs" | "cpuMs") => [
          ...labels.map((label) => figure(of(label)?.[time])),
          ...others.map((label) => figure((of(label)?.[time] ?? Number.NaN) / (of("reference")?.[time] ?? Number.NaN))),
        ];
        const what = `${verb.toUpperCase()}${ipMasq ? " with ipMasq" : ""}`;
        return [what, String(pods), ...cells("wallMs"), ...cells("cpuMs"), figure(of("floor")?.wallMs)];
      }),
    ),
  );
  const head = [...labels, ...others.map((label) => `ratio of ${label}`)];
  return markdownTable(["medians in ms", "pods", ...head, ...head.map((title) => `CPU ${title}`), "floor"], rows);
}

/** The additional time of an ADD with the most pods over one with the fewest; empty for one count. */
export function growth(all: readonly Figures[], labels: readonly Label[], podCounts: readonly number[]): string {
  const [least, most] = [Math.min(...podCounts), Math.max(...podCounts)];
  if (least === most) return "";
  const rows = [true, false].map((ipMasq) => {
    const cells = labels.map((label) => {
      const wall = (pods: number) =>
        all.find((f) => f.ipMasq === ipMasq && f.verb === "add" && f.pods === pods && f.label === label)?.wallMs;
      return figure((wall(most) ?? Number.NaN) / (wall(least) ?? Number.NaN));
    });
    return [`ADD${ipMasq ? " with ipMasq" : ""}, ${most} pods to ${least}`, ...cells];
  });
  return markdownTable(["growth", ...labels], rows);
}
