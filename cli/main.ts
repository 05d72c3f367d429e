/**
 * The command line: `ns-net COMMAND …`. Exit codes: 0 done, 1 failed, 2 usage error. `exec` exits with its command's
 * code, 126 if the command cannot be executed, 127 if it does not exist, as shells do.
 */

import { NotPermitted } from "../conf/fault.ts";
import { nearest } from "../conf/nearest.ts";
import defer * as debug from "../netlink/debug.ts";
import { faultOf } from "../plugin/faults.ts";
import { writeOut } from "../plugin/stdio.ts";
import { shellWord } from "../step/shellWords.ts";
import { errorMark, spoken } from "./byHand.ts";
import { type Command, type Described, divided, NotRun, parse, UsageError } from "./command.ts";
import { groups } from "./describe/groups.ts";
import { explained, help } from "./help.ts";
import { commands, ownPrograms } from "./index.ts";
import defer * as inside from "./labs/inside.ts";

export async function run(words: readonly string[], version: string): Promise<number> {
  try {
    if (process.env["NSNET_DEBUG"]?.includes("netlink")) debug.traceMessages();
    return await runWords(words, version);
  } catch (error) {
    if (process.env["NSNET_DEBUG"]?.includes("stack")) process.stderr.write(`${(error as Error).stack}\n`);
    if (error instanceof UsageError) {
      process.stderr.write(`${errorMark()} ${error.message}\n`);
      return 2;
    }
    const fault = faultOf(error);
    if (fault instanceof NotPermitted && process.geteuid!() !== 0) {
      const [first = "", second = ""] = words;
      const name = Object.hasOwn(groups, first) ? `${first} ${second}` : first;
      process.stderr.write(`ns-net ${name} needs root: sudo ns-net ${words.map(shellWord).join(" ")}\n`);
      return 1;
    }
    process.stderr.write(spoken(fault));
    return error instanceof NotRun ? error.exitCode : 1;
  }
}

async function runWords([name = "help", ...rest]: readonly string[], version: string): Promise<number> {
  if (name === "--version" || name === "-V" || name === "version") {
    writeOut(`ns-net ${version}\n`);
    return 0;
  }
  if (isHelp(name) || name === "help") {
    writeOut(await helpAbout(rest));
    return 0;
  }
  const own = name === "lab" ? ownPrograms[rest[0] ?? ""] : undefined;
  if (own) return own();
  if (Object.hasOwn(groups, name)) {
    const [second = "--help", ...others] = rest;
    if (!isHelp(second)) return runCommand(`${name} ${second}`, others);
    writeOut(groupHelp(name));
    return 0;
  }
  return runCommand(name, rest);
}

const isHelp = (word: string) => word === "--help" || word === "-h";

async function helpAbout([name, second]: readonly string[]): Promise<string> {
  if (name === undefined) return overview();
  if (!Object.hasOwn(groups, name)) return help(name, await load(name));
  return second === undefined ? groupHelp(name) : help(`${name} ${second}`, await load(`${name} ${second}`));
}

async function runCommand(name: string, rest: readonly string[]): Promise<number> {
  const definition = await load(name);
  if (divided(definition, rest).own.some(isHelp)) {
    writeOut(help(name, definition));
    return 0;
  }
  const parsed = parse(definition, name, rest);
  const lab = isOfLabs(name) ? undefined : (parsed.options as { readonly lab?: string }).lab;
  if (lab !== undefined) return inside.runInLab(lab, [...name.split(" "), ...inside.withoutLab(rest)]);
  return definition.run(parsed, everyCommand);
}

/** A command of the group `lab` looks at a lab from outside. */
const isOfLabs = (name: string) => name.startsWith("lab ");

async function everyCommand(): Promise<Described[]> {
  const all = Object.entries(commands);
  return Promise.all(all.map(async ([name, { about, load }]) => ({ name, about, definition: await load() })));
}

async function load(name: string): Promise<Command> {
  if (Object.hasOwn(commands, name)) return commands[name as keyof typeof commands].load();
  const group = name.split(" ")[0]!;
  const where = Object.hasOwn(groups, group) ? `ns-net ${group} --help` : "ns-net --help";
  const meant = nearest(name, [...Object.keys(commands), ...Object.keys(groups)]);
  const help = meant === undefined ? `see: ${where}` : `did you mean ns-net ${meant}?`;
  throw new UsageError(`there is no command ${JSON.stringify(name)}; ${help}`);
}

function groupHelp(group: string): string {
  const rows = Object.entries(commands).flatMap(([name, { about }]) =>
    name.startsWith(`${group} `) ? [[name, about] as const] : [],
  );
  return `${groups[group]}\n\nUsage: ns-net ${group} COMMAND …\n\n${explained(rows)}\nMore: ns-net ${group} COMMAND --help\n`;
}

function overview(): string {
  const rows = Object.entries(commands).map(([name, { about }]) => [name, about] as const);
  return `ns-net attaches network namespaces to a bridge: by hand, and as a CNI plugin.

Usage: ns-net COMMAND …

${explained(rows)}
Two commands to try, as root:

  ns-net add web               a namespace "web" on the default network
  ns-net exec web ip address   a look from inside

As a plugin it is called by a container runtime with CNI_COMMAND set.
More: ns-net COMMAND --help
`;
}
