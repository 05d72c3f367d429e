/** docs/commands.md: every command with its options, from the table that help, completion and the manual are made from. */
import type { Described } from "../../cli/command.ts";
import { help } from "../../cli/help.ts";
import { commands } from "../../cli/index.ts";

export async function everyCommand(): Promise<readonly Described[]> {
  const all = Object.entries(commands);
  return Promise.all(all.map(async ([name, { about, load }]) => ({ name, about, definition: await load() })));
}

export async function commandsPage(): Promise<string> {
  const all = await everyCommand();
  const overview = all.map(({ name, about }) => `| [\`${name}\`](#ns-net-${name.replaceAll(" ", "-")}) | ${about} |`);
  const each = all.map(
    ({ name, definition }) => `## ns-net ${name}\n\n\`\`\`text\n${help(name, definition).trim()}\n\`\`\``,
  );
  return `# Every command

The output of \`ns-net COMMAND --help\`, on one page. [Commands by hand](by-hand.md) is a tour with output, and \`ns-net man\` the same as a manual page.

| command | |
| --- | --- |
${overview.join("\n")}

${each.join("\n\n")}
`;
}
