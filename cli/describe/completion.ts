/** Completion for three shells, from the table of commands. */
import type { Command, Described } from "../command.ts";
import { configurationFolder } from "../network.ts";
import { groups } from "./groups.ts";

const optionWords = ({ definition }: Described) =>
  [...Object.keys(definition.options), "help"].map((key) => `--${key}`);

/** The first words of all commands. */
const firstWords = (all: readonly Described[]) => [...new Set(all.map(({ name }) => name.split(" ")[0]!))];

const names = (all: readonly Described[]) => firstWords(all).join(" ");

/** The second words of each group of commands. */
function groupsOf(all: readonly Described[]): (readonly [group: string, words: readonly string[]])[] {
  return firstWords(all).flatMap((first) => {
    const words = all.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
    return words.length > 0 ? [[first, words] as const] : [];
  });
}

/** `ns who`, `explain` and `trace` take a name, too, among other words. */
const takesNetns = ({ usage }: Command) => /^[<[](?:netns|from|name\|)/.test(usage);

const takesNetwork = ({ usage }: Command) => usage.startsWith("<network>");

/** The names of configured networks. */
const networkNames = `$(grep -ohs '"name" *: *"[^"]*"' ${configurationFolder}/* | cut -d '"' -f 4)`;

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

/** fish's condition that these are the words of the command so far. */
function isCalled(words: readonly string[]): string {
  if (words.length === 0) return "__fish_use_subcommand";
  return quoted(words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and "));
}

export const shells: Readonly<Record<string, (all: readonly Described[]) => string>> = {
  bash: (all) => `_ns_net() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words=
  case $command in ${groupsOf(all)
    .map(([group]) => group)
    .join("|")}) command="$command \${COMP_WORDS[2]}";; esac
  if [ "$COMP_CWORD" -eq 1 ]; then words=${quoted(names(all))}
  elif [ "$COMP_CWORD" -eq 2 ] && [ "$command" != "\${COMP_WORDS[1]}" ]; then case \${COMP_WORDS[1]} in
${groupsOf(all)
  .map(([group, words]) => `    ${group}) words=${quoted(words.join(" "))};;`)
  .join("\n")}
  esac
  else case $before in
    --network|-n)
      compopt -o filenames 2>/dev/null
      words=${networkNames}
      COMPREPLY=($(compgen -W "$words" -- "$word") $(compgen -f -- "$word"))
      return;;
    ${valued(all).join("|")}) COMPREPLY=(); return;;
  esac
  case $command in
${all.map((one) => `    ${quoted(one.name)}) words=${quoted(optionWords(one).join(" "))};;`).join("\n")}
  esac
  case $word in
    -*) ;;
    *) case $command in
      ${all.flatMap(({ name, definition }) => (takesNetns(definition) ? [quoted(name)] : [])).join("|")}) words=$(ls /run/netns 2>/dev/null);;
      ${all.flatMap(({ name, definition }) => (takesNetwork(definition) ? [quoted(name)] : [])).join("|")}) words=${networkNames};;
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
${firstWords(all)
  .map((first) => {
    const about = all.find(({ name }) => name === first)?.about ?? groups[first] ?? "";
    return `    ${quoted(`${first}:${about.replace(/:/g, "\\:")}`)}`;
  })
  .join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command names; return; fi
  local command=$words[2]
  case $command in
${groupsOf(all)
  .map(
    ([group, words]) =>
      `    ${group}) if (( CURRENT == 3 )); then compadd -- ${words.join(" ")}; return; fi; command+=" $words[3]";;`,
  )
  .join("\n")}
  esac
  case $command in
${all.map((one) => `    ${quoted(one.name)}) compadd -- ${optionWords(one).join(" ")};;`).join("\n")}
  esac
  compadd -- /run/netns/*(N:t)
}
compdef _ns_net ns-net
`,

  fish: (all) =>
    all
      .flatMap(({ name, about, definition }) => [
        `complete -c ns-net -f -n ${isCalled(name.split(" ").slice(0, -1))} -a ${name.split(" ").at(-1)} -d ${quoted(about)}`,
        ...Object.entries(definition.options).map(
          ([key, option]) =>
            `complete -c ns-net -n ${isCalled(name.split(" "))} -l ${key}` +
            `${option.short ? ` -s ${option.short}` : ""}${option.type === "string" ? " -r" : ""} -d ${quoted(option.about)}`,
        ),
      ])
      .concat(
        groupsOf(all).map(
          ([group]) => `complete -c ns-net -f -n __fish_use_subcommand -a ${group} -d ${quoted(groups[group] ?? "")}`,
        ),
      )
      .join("\n") + "\n",
};
