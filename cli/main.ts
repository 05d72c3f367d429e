/** The command line: `ns-net COMMAND …`. Exit codes: 0 done, 1 failed, 2 the words do not fit, and exec's are its command's. */
import { faultOf } from "../plugin/failure.ts";
import { type Command, columns, help, parse, UsageError } from "./command.ts";
import { commands } from "./index.ts";

export async function run(words: readonly string[], version: string): Promise<number> {
  const [name = "help", ...rest] = words;
  if (name === "--version" || name === "-V" || name === "version") {
    process.stdout.write(`ns-net ${version}\n`);
    return 0;
  }
  if (name === "help" || name === "--help" || name === "-h") {
    const asked = rest[0] === undefined ? undefined : await load(rest[0]);
    process.stdout.write(asked ? help(rest[0]!, asked) : overview());
    return 0;
  }
  const definition = await load(name);
  if (!definition) {
    process.stderr.write(`ns-net: there is no command ${JSON.stringify(name)}; see: ns-net --help\n`);
    return 2;
  }
  const end = rest.indexOf("--");
  if (rest.slice(0, end < 0 ? rest.length : end).some((word) => word === "--help" || word === "-h")) {
    process.stdout.write(help(name, definition));
    return 0;
  }
  return runCommand(name, definition, rest);
}

async function runCommand(name: string, definition: Command, words: readonly string[]): Promise<number> {
  try {
    return await definition.run(parse(definition, name, words));
  } catch (error) {
    if (process.env["NSNET_DEBUG"]?.includes("stack")) process.stderr.write(`${(error as Error).stack}\n`);
    if (error instanceof UsageError) {
      process.stderr.write(`ns-net: ${error.message}\n`);
      return 2;
    }
    const { message, cure } = faultOf(error);
    process.stderr.write(`ns-net: ${message}${cure ? `\n  ${cure}` : ""}\n`);
    return 1;
  }
}

async function load(name: string): Promise<Command | undefined> {
  return Object.hasOwn(commands, name) ? commands[name as keyof typeof commands].load() : undefined;
}

function overview(): string {
  const rows = Object.entries(commands).map(([name, { about }]) => [name, about]);
  return `ns-net attaches network namespaces to a bridge: by hand, and as a CNI plugin.

Usage: ns-net COMMAND …

${columns(rows, "  ")}
Two commands to try, as root:

  ns-net add web                  a namespace "web", attached to the default network
  ns-net exec web -- ip address   a look from inside

As a plugin it is called by a container runtime with CNI_COMMAND set.
More: ns-net COMMAND --help
`;
}
