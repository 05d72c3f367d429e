/** Completion for three shells, from the table of commands. */
import type { Described } from "./table.ts";

const optionWords = ({ definition }: Described) =>
  [...Object.keys(definition.options), "help"].map((key) => `--${key}`);

const quoted = (text: string) => `'${text.replace(/'/g, "'\\''")}'`;

export const shells: Readonly<Record<string, (all: readonly Described[]) => string>> = {
  bash: (all) => `_ns_net() {
  local word=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" -eq 1 ]; then words=${quoted(all.map(({ name }) => name).join(" "))}
  else case \${COMP_WORDS[1]} in
${all.map((one) => `    ${one.name}) words=${quoted(optionWords(one).join(" "))};;`).join("\n")}
  esac; fi
  case $word in
    -*) ;;
    *) if [ "$COMP_CWORD" -gt 1 ]; then words=$(ls /run/netns 2>/dev/null); fi;;
  esac
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
