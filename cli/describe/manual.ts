/** The manual page, in roff, from the table of commands. */
import type { Described } from "./table.ts";

/** A line's first dot or quote would be a request, and a backslash an escape. */
const text = (words: string) =>
  words
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^([.'])/gm, "\\&$1");

export function manual(all: readonly Described[]): string {
  const commands = all.map(({ name, definition: { about, usage, options, more } }) => {
    const rows = Object.entries(options).map(
      ([key, { short, value, about: words }]) =>
        `.TP\n.B ${text(`${short ? `-${short}, ` : ""}--${key}${value ? ` ${value}` : ""}`)}\n${text(words)}\n`,
    );
    const example = more ? `.PP\n.nf\n${text(more.trim())}\n.fi\n` : "";
    return `.SS ns\\-net ${name} ${text(usage)}\n${text(about)}\n${rows.join("")}${example}`;
  });
  return `.TH NS\\-NET 8
.SH NAME
ns\\-net \\- attach network namespaces to a bridge, by hand and as a CNI plugin
.SH SYNOPSIS
.B ns\\-net
.I command
[options]
.SH DESCRIPTION
Without a command and with CNI_COMMAND set it is a CNI plugin; see https://www.cni.dev.
.SH COMMANDS
${commands.join("")}.SH EXIT STATUS
0 done; 1 failed; 2 the words do not fit; those of exec are its command's.
`;
}
