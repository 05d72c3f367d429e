/** The lines of `ns who` about one namespace. */
import { type Container, nameOf } from "../../explain/containers/container.ts";
import type { Namespace } from "../../explain/namespaces/everyNamespace.ts";
import type { Match } from "../../explain/namespaces/who.ts";
import { columns } from "../command.ts";
import { addressesOf, labelOf } from "./label.ts";

const processesShown = 8;
const linksShown = 8;
const digitsShown = 12;

export function matchText(
  { namespace, by, link: meant }: Match,
  words: string,
  all: readonly Namespace[],
  containers: ReadonlyMap<number, Container>,
): string {
  const label = (one: Namespace) => labelOf(one, containers.get(one.inode));
  const container = containers.get(namespace.inode);
  const { inode, names, links, isOwn } = namespace;
  const rows: string[][] = [["namespace", `net:[${inode}]${names.length > 0 ? `  ${names.join(", ")}` : ""}`]];
  if (meant && by === "other end") rows.push(["because", `its ${meant.name} is the other end of ${words}`]);
  if (meant && by === "address") rows.push(["because", `its ${meant.name} has ${words}`]);
  if (container) {
    const { runtime, id } = container;
    rows.push(["container", `${nameOf(container)} of ${runtime}, id ${id.slice(0, digitsShown)}`]);
  }
  rows.push(["processes", processesText(namespace)]);
  const shown = links.filter(({ name }) => name !== "lo" || meant?.name === "lo");
  // A host may have hundreds: then only the one that was meant.
  for (const { name, addresses, peer } of shown.length > linksShown ? (meant ? [meant] : []) : shown) {
    const other = peer && all.find((one) => one.inode === peer.inode);
    const end = peer && other ? `, other end ${peer.name} of ${label(other)}` : "";
    rows.push(["link", `${name} ${addressesOf(addresses).join(",") || "without address"}${end}`]);
  }
  if (!isOwn) rows.push(["look", `ns-net inspect ${label(namespace)}`]);
  return `${label(namespace)}\n${columns(rows, "  ")}`;
}

function processesText({ processes, held }: Namespace): string {
  if (processes.length === 0) return `none; kept by ${keepers[held]}`;
  const shown = processes.slice(0, processesShown).map(({ pid, command }) => `${pid} ${command}`);
  const more = processes.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const keepers: Readonly<Record<Namespace["held"], string>> = {
  name: "its name",
  process: "a thread",
  fd: "an open file",
  mount: "a mount",
};
