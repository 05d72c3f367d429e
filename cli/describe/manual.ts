/** The manual page, in roff, from the table of commands. */
import { defaultDataDir } from "../../conf/identity.ts";
import type { Described } from "../command.ts";
import { notesOf } from "../help.ts";
import { configurationFolder } from "../network.ts";

/** Escapes text: a dot or quote at the beginning of a line is a request, and a backslash an escape. */
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
    const example = more ? `.PP\n.nf\n${text(notesOf(more))}\n.fi\n` : "";
    return `.SS ns\\-net ${`${name} ${text(usage)}`.trimEnd()}\n${text(about)}\n${rows.join("")}${example}`;
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
.SH ENVIRONMENT
${terms(variables)}.SH FILES
${terms(files)}.SH SEE ALSO
${seeAlso.map((page) => `.BR ${page.replace("(", " (").replace(/-/g, "\\-")}`).join(",\n")}
`;
}

const terms = (all: readonly (readonly [string, string])[]) =>
  all.map(([term, words]) => `.TP\n.B ${text(term)}\n${text(words)}\n`).join("");

const variables = [
  [
    "NSNET_LOG",
    'A file to which each call by a runtime appends a line of JSON, like the key "log" of a configuration.',
  ],
  ["NSNET_DEBUG", '"netlink" prints every netlink message on standard error, "stack" the origin of an error.'],
  ["CNI_PATH", "Folders with plugins for addresses; by hand /opt/cni/bin and /usr/lib/cni if not set."],
] as const;

const files = [
  ["/run/netns/NAME", "The namespace with this name, as in ip-netns(8)."],
  ["/etc/netns/NAME/", "Files that exec mounts over those in /etc."],
  [configurationFolder, "Configurations for --network NAME and for runtimes."],
  [
    `${defaultDataDir}/ns-net.sqlite`,
    "The store: what is attached, and which address it has. --data-dir is another folder.",
  ],
] as const;

const seeAlso = ["ip(8)", "ip-netns(8)", "bridge(8)", "nft(8)", "network_namespaces(7)", "veth(4)"];
