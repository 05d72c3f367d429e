/** `ns-net lab learn [N]` */
import type { Lesson } from "../../../lab/lesson.ts";
import { lessons } from "../../../lab/lessons.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command, UsageError } from "../../command.ts";
import { lessonText } from "../../labs/course/lessonText.ts";
import { teach } from "../../labs/course/session.ts";
import { reportingMistakes } from "../../labs/mistakes.ts";
import { jsonOption } from "../../labs/options.ts";
import { coloured } from "../../output/colour.ts";
import { type Column, table } from "../../output/table.ts";
import { isTerminal, output } from "../../output/terminal.ts";

export default command({
  about: "Learn how containers are connected, in eleven lessons: by typing the commands in a lab that checks them.",
  usage: "[N] [options]",
  operands: [0, 1],
  options: jsonOption,
  more: `
N is the number of a lesson; without it the lessons are listed. On a terminal a lesson brings a lab up, opens a shell on
its host, and checks each step; the lab ends with the lesson. Elsewhere the lesson is printed.

  ns-net lab learn
  ns-net lab learn 1
  ns-net lab learn 5 | less`,

  run: ({ options, operands: [wanted] }) =>
    reportingMistakes(async () => {
      const all = lessons();
      if (wanted === undefined) {
        writeOut(options.json ? json(all) : `${table(columns, all)}\nBegin: ns-net lab learn 1\n`);
        return 0;
      }
      const lesson = all.find(({ number }) => String(number) === wanted);
      if (lesson === undefined) throw new UsageError(`${wanted} is no lesson: give 1 to ${all.length}`);
      if (options.json) writeOut(json(lesson));
      else if (isTerminal(input) && isTerminal(output.standard)) return await onTerminal(lesson, all.length);
      else writeOut(lessonText(lesson));
      return 0;
    }),
});

async function onTerminal(lesson: Lesson, last: number): Promise<number> {
  const missing = lesson.uses.filter((program) => Bun.which(program) === null);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => packageOf[program] ?? program))].join(" ");
    process.stderr.write(
      `ns-net: This lesson uses ${missing.join(", ")}, which this machine lacks\n  Install it, on Debian by: apt-get install ${packages}\n`,
    );
    return 1;
  }
  if (!(await teach(lesson))) {
    writeOut(`\nStopped. Again: ns-net lab learn ${lesson.number}\n`);
    return 1;
  }
  writeOut(`${coloured("good", `Lesson ${lesson.number} is done.`)} `);
  writeOut(
    lesson.number < last
      ? `Next: ns-net lab learn ${lesson.number + 1}\n`
      : "That was the last one. Now build your own: ns-net lab new\n",
  );
  return 0;
}

/** Debian's package of each program that is not called like it. */
const packageOf: Readonly<Record<string, string>> = {
  ...{ ip: "iproute2", bridge: "iproute2", ping: "iputils-ping", nft: "nftables", sysctl: "procps", pgrep: "procps" },
  ...{ ps: "procps", nsenter: "util-linux", readlink: "coreutils" },
};

/** The file descriptor of standard input. */
const input = 0;

const columns: readonly Column<Lesson>[] = [
  { title: "N", cell: ({ number }) => String(number) },
  { title: "LESSON", cell: ({ title }) => title },
  { title: "ABOUT", yields: 1, widthMin: 20, cell: ({ about }) => about },
];

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
