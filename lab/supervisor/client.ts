/** Finds labs that are up, and asks their supervisors. */
import { code, Fault } from "../../conf/fault.ts";
import type { TestResult } from "../tests/run.ts";
import { everyLab, isAlive, type LabState, readState, socketOf } from "./state.ts";
import type { Inspected } from "./supervise.ts";

/** The labs that are up. */
export function labsUp(): LabState[] {
  return everyLab().flatMap((name) => {
    const state = readState(name);
    return state && isAlive(state) ? [state] : [];
  });
}

/** The lab of that name; without one, that of `file` if it is up, else the only one. Throws Fault. */
export function labUp(name: string | undefined, file: string | undefined): LabState {
  const up = labsUp();
  const named = name === undefined ? up.find((one) => one.file === file) : up.find(({ lab }) => lab === name);
  if (named) return named;
  if (name === undefined && up.length === 1) return up[0]!;
  const names = up.map(({ lab }) => lab).join(", ");
  throw new Fault(
    code.config,
    name === undefined ? (up.length === 0 ? "No lab is up" : "Several labs are up") : `There is no lab ${name}`,
    up.length === 0 ? "Bring one up: ns-net lab up FILE" : `Name one by --lab: ${names}`,
  );
}

async function ask<T>({ lab }: LabState, path: string, method: "GET" | "POST" = "GET"): Promise<T> {
  const response = await fetch(`http://lab${path}`, { unix: socketOf(lab), method });
  return (await response.json()) as T;
}

export const inspect = (state: LabState) => ask<Inspected>(state, "/inspect");

export const test = (state: LabState) => ask<TestResult[]>(state, "/test", "POST");
