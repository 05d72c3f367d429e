/** The agent's log: a line of JSON for each event, with its time and level. docs/agent.md lists the fields. */
import type { AgentEvent } from "../event.ts";
import { levelOf } from "./observer.ts";

export function lineOf(event: AgentEvent): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level: levelOf(event), ...event })}\n`;
}
