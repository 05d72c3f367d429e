/** The most that a lab may take, and whether it did. */
import { figure } from "../statistics.ts";
import type { Round } from "./round.ts";

interface Goal {
  readonly pods: number;
  readonly verb: "up" | "apply" | "down";
  readonly most: number;
  /** Milliseconds, or a part of the script's time. */
  readonly unit: "ms" | "of the script";
}

const goals: readonly Goal[] = [
  { pods: 10, verb: "up", most: 500, unit: "ms" },
  { pods: 10, verb: "down", most: 300, unit: "ms" },
  { pods: 200, verb: "up", most: 2000, unit: "ms" },
  { pods: 200, verb: "up", most: 0.5, unit: "of the script" },
  { pods: 200, verb: "apply", most: 200, unit: "ms" },
  { pods: 200, verb: "down", most: 500, unit: "ms" },
];

/** A line for each goal of labs with this many pods. `medians` is by the label of the contestant. */
export function goalsOf(pods: number, medians: Readonly<Record<"ns-net" | "script", Round>>): string[] {
  return goals
    .filter((goal) => goal.pods === pods)
    .map(({ verb, most, unit }) => {
      const [own, script] = [medians["ns-net"], medians.script].map((round) => round[`${verb}Ms`] ?? Number.NaN);
      const value = unit === "ms" ? own! : own! / script!;
      const met = value <= most ? "met" : "NOT met";
      return `goal, ${pods} pods: ${verb} at most ${most} ${unit}: ${met} (${figure(value)})`;
    });
}
