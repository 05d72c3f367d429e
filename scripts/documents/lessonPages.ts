/** The pages of docs/learn/: each lesson of the course, for reading. `npm run documents` adds the output of its commands. */
import { commandsOf, type Lesson, type Step } from "../../lab/lesson.ts";
import { lessons } from "../../lab/lessons.ts";

/** `04-two-pods-and-the-routing-conflict` */
function nameOf({ number, title }: Lesson): string {
  const words = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `${String(number).padStart(2, "0")}-${words.replace(/^-|-$/g, "")}`;
}

/** Each page by its path. The commands of a page show no output yet. */
export function lessonPages(): ReadonlyMap<string, string> {
  const all = lessons();
  const pages = all.map((lesson) => [`docs/learn/${nameOf(lesson)}.md`, page(lesson, all)] as const);
  return new Map([["docs/learn/README.md", contents(all)], ...pages]);
}

function contents(all: readonly Lesson[]): string {
  const lines = all.map((lesson) => `${lesson.number}. [${lesson.title}](${nameOf(lesson)}.md): ${lesson.about}`);
  return `# Container networking, step by step

A course for people who have never seen a network namespace. Each page shows the commands and what they print. It is better to type them: \`ns-net lab learn\` brings up a small lab for each lesson, and checks by traffic what you did. It needs about an hour and no root, and nothing of it touches the machine's network.

${lines.join("\n")}
`;
}

function page(lesson: Lesson, all: readonly Lesson[]): string {
  const { number, title, about, source, steps } = lesson;
  const following = all[number];
  return `<!-- within
cat > lesson.yaml <<'END'
${source.text.split("\nx-lesson:")[0]}
END
ns-net lab up lesson.yaml > up.txt && ns-net lab exec host -- "$@"
-->

# ${number}. ${title}

${about}

The commands are typed on the host of a small lab, not on your machine: \`ns-net lab learn ${number}\` brings the lab up and opens that shell.

${steps.map(section).join("\n\n")}

---

Type it yourself: \`ns-net lab learn ${number}\`.${following ? ` Next: [${following.title}](${nameOf(following)}.md).` : ""} [All lessons](README.md).
`;
}

function section({ text, before, breaks, type, ask, says, why }: Step): string {
  const parts = [
    text.trim(),
    before && `\`\`\`sh\n${before.trim()}\n\`\`\``,
    breaks && `<!-- set-up\n${breaks.trim()}\n-->`,
    type &&
      `\`\`\`console\n${commandsOf(type)
        .map((command) => `$ ${command}\n`)
        .join("")}\`\`\``,
    ask && `**Question:** ${ask}`,
    why && `<details><summary>Answer</summary>\n\n**${says}.** ${why.trim()}\n\n</details>`,
  ];
  return parts.filter(Boolean).join("\n\n");
}
