/**
 * The command line: `ns-net COMMAND …`. Exit codes: 0 done, 1 failed, 2 usage error. `exec` exits with its command's
 * code, 126 if the command cannot be executed, 127 if it does not exist, as shells do.
 */

import { NotPermitted } from "../conf/fault.ts";
import defer * as debug from "../netlink/debug.ts";
import { faultOf } from "../plugin/faults.ts";
import { writeOut } from "../plugin/stdio.ts";
import { shellWord } from "../step/shellWords.ts";
import { spoken } from "./byHand.ts";
import { type Command, columns, type Described, divided, help, NotRun, parse, UsageError } from "./command.ts";
import { commands } from "./index.ts";

export async function run(words: readonly string[], version: string): Promise<number> {
  try {
    if (process.env["NSNET_DEBUG"]?.includes("netlink")) debug.traceMessages();
    return await runWords(words, version);
  } catch (error) {
    if (process.env["NSNET_DEBUG"]?.includes("stack")) process.stderr.write(`${(error as Error).stack}\n`);
    if (error instanceof UsageError) {
      process.stderr.write(`ns-net: ${error.message}\n`);
      return 2;
    }
    const fault = faultOf(error);
    if (fault instanceof NotPermitted && process.geteuid!() !== 0) {
      process.stderr.write(`ns-net ${words[0]} needs root: sudo ns-net ${words.map(shellWord).join(" ")}\n`);
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
  if (name === "help" || name === "--help" || name === "-h") {
    const asked = rest[0];
    writeOut(asked === undefined ? overview() : help(asked, await load(asked)));
    return 0;
  }
  const definition = await load(name);
  if (divided(definition, rest).own.some((word) => word === "--help" || word === "-h")) {
    writeOut(help(name, definition));
    return 0;
  }
  return definition.run(parse(definition, name, rest), everyCommand);
}

async function everyCommand(): Promise<Described[]> {
  const all = Object.entries(commands);
  return Promise.all(all.map(async ([name, { about, load }]) => ({ name, about, definition: await load() })));
}

async function load(name: string): Promise<Command> {
  if (Object.hasOwn(commands, name)) return commands[name as keyof typeof commands].load();
  throw new UsageError(`there is no command ${JSON.stringify(name)}; see: ns-net --help`);
}

function overview(): string {
  const rows = Object.entries(commands).map(([name, { about }]) => [name, about]);
  return `ns-net attaches network namespaces to a bridge: by hand, and as a CNI plugin.

Usage: ns-net COMMAND …

${columns(rows, "  ")}
Two commands to try, as root:

  ns-net add web                  a namespace "web", attached to the default network
  ns-net exec web ip address      a look from inside

As a plugin it is called by a container runtime with CNI_COMMAND set.
More: ns-net COMMAND --help
`;
}
