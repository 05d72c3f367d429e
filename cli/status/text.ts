/** The page of `ns-net status`. */
import type { Attachments } from "../../explain/networks/attachmentStates.ts";
import type { Pool } from "../../explain/networks/pools.ts";
import { columns } from "../command.ts";
import { type Column, table } from "../output/table.ts";
import type { Status } from "./report.ts";

export function pageOf(status: Status): string {
  const { agent, pools, attachments, storeError } = status;
  const attached = attachments.length > 0 ? table(attachmentColumns, attachments) : "Nothing is attached.\n";
  const rows = [
    ["agent", agentText(status)],
    ...(agent ? [["calls", callsText(agent)]] : []),
    ...(agent ? [["healings", listText(agent.healings) || "none"]] : []),
    ["installed", installedText(status.installed)],
    ["this", status.version],
  ];
  const errors = (agent?.errors ?? []).map(({ time, text }) => `  ${time}  ${text}\n`).join("");
  const parts = [
    columns(rows),
    pools.length > 0 ? table(poolColumns, pools) : "",
    storeError === undefined ? attached : `The store: ${storeError}\n`,
    errors && `Last errors, the newest at the end:\n${errors}`,
    hintOf(status),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function agentText({ agent }: Status): string {
  if (agent === undefined) return "not running: each call is a process of its own";
  return `running, version ${agent.version}, process ${agent.pid}, since ${agent.since}`;
}

function callsText({ calls, failed, handedBack, declined }: NonNullable<Status["agent"]>): string {
  const left = listText(declined);
  return `${calls} answered, ${failed} of them with an error; handed back: ${handedBack}${left && `; declined: ${left}`}`;
}

const listText = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(", ");

function installedText({ folder, version, launcher }: Status["installed"]): string {
  const full = version ?? "of unknown version";
  if (launcher !== undefined) return `${folder}: launcher ${launcher}, executable ${full}`;
  return version === undefined ? `not in ${folder}` : `${folder}: executable ${full}, without an agent`;
}

/** Where versions differ, calls are left to the full executable. */
function hintOf({ agent, installed }: Status): string {
  if (agent === undefined || installed.launcher === undefined || agent.version === installed.launcher) return "";
  return (
    `The launcher is of version ${installed.launcher} and the agent of ${agent.version}: the agent declines all calls. ` +
    "Restart it: systemctl restart ns-net-agent\n"
  );
}

const poolColumns: readonly Column<Pool>[] = [
  { title: "NETWORK", yields: 2, widthMin: 8, cell: ({ network }) => network },
  { title: "RANGE", yields: 1, widthMin: 15, cell: ({ range }) => range },
  { title: "USED", isNumber: true, cell: ({ used }) => String(used) },
  {
    title: "FREE",
    isNumber: true,
    cell: ({ free }) => String(free),
    style: ({ free }) => (free === 0 ? "bad" : undefined),
  },
];

const goodStates: readonly Attachments["state"][] = ["attached", "adopted", "adoptable"];

const attachmentColumns: readonly Column<Attachments>[] = [
  { title: "NETWORK", yields: 1, widthMin: 8, cell: ({ network }) => network },
  {
    title: "STATE",
    cell: ({ state }) => state,
    style: ({ state }) => (goodStates.includes(state) ? "good" : state === "gone" ? "bad" : "unsure"),
  },
  { title: "ATTACHMENTS", isNumber: true, cell: ({ count }) => String(count) },
];
