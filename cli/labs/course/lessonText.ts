/** A lesson as text. */
import { answered, commandsOf, type Lesson, type Step } from "../../../lab/lesson.ts";
import { coloured } from "../../output/colour.ts";

/** The whole lesson, for a reader without a terminal. */
export function lessonText(lesson: Lesson): string {
  const steps = lesson.steps.map((step, i) => `${stepText(lesson, step, i)}${questionText(step)}`);
  return [titleText(lesson), ...steps, howText(lesson)].join("\n");
}

export function titleText({ number, title }: Lesson): string {
  const line = `Lesson ${number}: ${title}`;
  return `${coloured("title", line)}\n${"=".repeat(line.length)}\n`;
}

/** The text of a step, and the commands that it shows. */
export function stepText({ steps }: Lesson, step: Step, place: number): string {
  const parts = [
    coloured("title", `${place + 1} of ${steps.length}`),
    "",
    step.text.trimEnd(),
    "",
    ...(step.before ? ["Done for you:", "", ...typed(step.before), ""] : []),
    ...(step.type ? ["Type:", "", ...typed(step.type), ""] : []),
  ];
  return `${parts.join("\n")}\n`;
}

const typed = (commands: string) => commandsOf(commands).map((line) => `    ${coloured("title", line)}`);

function questionText(step: Step): string {
  const { ask } = step;
  return ask === undefined ? "" : `Question: ${ask.trimEnd()}\n\nAnswer: ${answered(step)}\n\n`;
}

const howText = ({ number }: Lesson) =>
  `On a terminal, "ns-net lab learn ${number}" brings this lab up and checks what you type.\n`;
