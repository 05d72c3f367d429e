/** Completion for three shells, from the table of commands. */
import type { Command, Described } from "../command.ts";
import { configurationFolder } from "../network.ts";

const optionWords = ({ definition }: Described) =>
  [...Object.keys(definition.options), "help"].map((key) => `--${key}`);

const names = (all: readonly Described[]) => all.map(({ name }) => name).join(" ");

const takesNetns = ({ usage }: Command) => usage.startsWith("<netns>");

/** Options whose value is the next word, without those of a network. */
function valued(all: readonly Described[]): string[] {
  const words = all.flatMap(({ definition }) =>
    Object.entries(definition.options).flatMap(([key, { type, short }]) =>
      type === "string" && key !== "network" ? [`--${key}`, ...(short ? [`-${short}`] : [])] : [],
    ),
  );
  return [...new Set(words)];
}

const quoted = (text: string) => `'${text.replace(/'/g, "'\\''")}'`;

export const shells: Readonly<Record<string, (all: readonly Described[]) => string>> = {
  bash: (all) => `_ns_net() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then words=${quoted(names(all))}
  else case $before in
    --network|-n)
      compopt -o filenames 2>/dev/null
      words=$(grep -ohs '"name" *: *"[^"]*"' ${configurationFolder}/* | cut -d '"' -f 4)
      COMPREPLY=($(compgen -W "$words" -- "$word") $(compgen -f -- "$word"))
      return;;
    ${valued(all).join("|")}) COMPREPLY=(); return;;
  esac
  case \${COMP_WORDS[1]} in
${all.map((one) => `    ${one.name}) words=${quoted(optionWords(one).join(" "))};;`).join("\n")}
  esac
  case $word in
    -*) ;;
    *) case \${COMP_WORDS[1]} in
      ${all.flatMap(({ name, definition }) => (takesNetns(definition) ? [name] : [])).join("|")}) words=$(ls /run/netns 2>/dev/null);;
      completion) words=${quoted(Object.keys(shells).join(" "))};;
      help) words=${quoted(names(all))};;
      *) words=;;
    esac;;
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _ns_net ns-net
`,

  zsh: (all) => `#compdef ns-net
_ns_net() {
  local -a names
  names=(
${all.map(({ name, about }) => `    ${quoted(`${name}:${about.replace(/:/g, "\\:")}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command names; return; fi
  case $words[2] in
${all.map((one) => `    ${one.name}) compadd -- ${optionWords(one).join(" ")};;`).join("\n")}
  esac
  compadd -- /run/netns/*(N:t)
}
compdef _ns_net ns-net
`,

  fish: (all) =>
    all
      .flatMap(({ name, about, definition }) => [
        `complete -c ns-net -f -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
        ...Object.entries(definition.options).map(
          ([key, option]) =>
            `complete -c ns-net -n '__fish_seen_subcommand_from ${name}' -l ${key}` +
            `${option.short ? ` -s ${option.short}` : ""}${option.type === "string" ? " -r" : ""} -d ${quoted(option.about)}`,
        ),
      ])
      .join("\n") + "\n",
};
