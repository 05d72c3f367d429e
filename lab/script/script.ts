/** A lab as a shell script of ip, bridge, tc, nft and sysctl. Pure. */
import { Explainer } from "../../step/explained.ts";
import { shellWord } from "../../step/shellWords.ts";
import type { Lab } from "../model/lab.ts";
import { pathOf } from "../supervisor/names.ts";
import { labsFolderOfRoot } from "../supervisor/state.ts";
import { namespacesOf, type Section, sectionsOf } from "./sections.ts";

/** The script that makes the lab; all or nothing. `file` is the lab file as it was named. Throws Fault. */
export function scriptOf(lab: Lab, file: string): string {
  return text([
    ...headOf(`The lab ${lab.name} of ${file} without ns-net: in named namespaces, without its servers and commands.`, [
      "It needs root, and ip, bridge, tc (iproute2), nft (nftables) and sysctl (procps).",
      `Enter a namespace by: ip netns exec ${namesOf(lab).at(-1)} sh. Remove all by: ns-net lab script --down ${shellWord(file)} | sh`,
    ]),
    `namespaces=${shellWord(namesOf(lab).join(" "))}`,
    "for name in $namespaces; do",
    '  [ ! -e "/run/netns/$name" ] || { echo "$0: the namespace $name exists: is the lab up already?" >&2; exit 1; }',
    "done",
    "",
    "# If a command fails, nothing remains.",
    'undo() { for name in $namespaces; do ip netns delete "$name" 2>/dev/null || :; done; }',
    "trap undo EXIT",
    "trap 'exit 1' HUP INT TERM",
    ...bodyOf(sectionsOf(lab, (name) => pathOf(lab.name, name))),
    "",
    "trap - EXIT",
  ]);
}

/** The script that removes what the other one made. An absent namespace is no error. */
export function removalScriptOf(lab: Lab, file: string): string {
  return text([
    ...headOf(
      `Removes the lab ${lab.name} of ${file}, which the script of "ns-net lab script" made. It needs root.`,
      [],
    ),
    "# Its namespaces have the same names.",
    `if [ -e ${labsFolderOfRoot}/${lab.name} ]; then`,
    `  echo "$0: ns-net has the lab ${lab.name} up: end it by ns-net lab down --lab ${lab.name}" >&2`,
    "  exit 1",
    "fi",
    `for name in ${namesOf(lab).map(shellWord).join(" ")}; do`,
    '  [ -e "/run/netns/$name" ] || continue',
    "  # Processes would keep the namespace, with all links.",
    '  for process in $(ip netns pids "$name"); do kill -KILL "$process" 2>/dev/null || :; done',
    '  ip netns delete "$name"',
    "done",
  ]);
}

const namesOf = (lab: Lab) => namespacesOf(lab).map((name) => nameAt(pathOf(lab.name, name)));

const nameAt = (path: string) => path.slice(path.lastIndexOf("/") + 1);

function headOf(first: string, more: readonly string[]): string[] {
  return ["#!/bin/sh", ...[first, ...more].flatMap(commentsOf), "set -eu", ""];
}

/** Line breaks in a name or a command begin a comment again. */
const commentsOf = (line: string) => line.split(/[\n\r]/).map((one) => `# ${one}`);

function bodyOf(sections: readonly Section[]): string[] {
  const explainers = new Map<string, Explainer>();
  return sections.flatMap(({ about, makes, namespace, notes = [], ...part }) => {
    const explainer = explainers.get(namespace) ?? new Explainer();
    explainers.set(namespace, explainer);
    return [
      ...(about === "" ? [] : ["", ...commentsOf(about)]),
      ...(makes === undefined ? [] : [`ip netns add ${nameAt(makes)}`]),
      ...inside(nameAt(namespace), explainer.explain(part)),
      ...notes.flatMap(commentsOf),
    ];
  });
}

/** The commands need no further quoting, because a shell in the namespace reads them. No command is the word END. */
function inside(namespace: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`ip netns exec ${namespace} sh -eu >/dev/null <<'END'`, ...lines, "END"];
}

const text = (lines: readonly string[]) => `${lines.join("\n")}\n`;
