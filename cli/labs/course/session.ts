/** A lesson on a terminal: the lab is up while it lasts, the learner types in a shell on its host, and each step is checked. */
import { dirname } from "node:path";
import { createInterface } from "node:readline/promises";
import { isRight, type Lesson, type Step } from "../../../lab/lesson.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { labUp } from "../../../lab/supervisor/client.ts";
import { startLab } from "../../../lab/supervisor/start.ts";
import type { LabState } from "../../../lab/supervisor/state.ts";
import { stopLab } from "../../../lab/supervisor/stop.ts";
import { faultOf } from "../../../plugin/faults.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { spoken } from "../../byHand.ts";
import { coloured } from "../../output/colour.ts";
import { runInPod } from "../inPod.ts";
import { missingIn, runLines } from "./inLab.ts";
import { stepText, titleText } from "./lessonText.ts";

/** The terminal goes away, another program ends this one, or Ctrl-C while a step is checked. Else that is a key for the shell, and ends a question. */
const signals = ["SIGHUP", "SIGTERM", "SIGINT"] as const;

/** At a question, readline notices the end of the terminal before the signal comes, and throws because it cannot reset it. */
const terminalGone = "uncaughtException";

/** The learner wants to stop. */
class Quit extends Error {}

/** True if the learner did all steps. The lab begins as its file says, and ends with the lesson. */
export async function teach(lesson: Lesson): Promise<boolean> {
  const lab = labOf(lesson.source);
  stopLab(lab.name); // of a lesson that was killed
  // Lessons call ns-net: this one, wherever it lies.
  process.env["PATH"] = `${dirname(process.execPath)}:${process.env["PATH"]}`;
  await startLab(lab, lesson.source, () => {});
  const end = (cause: unknown) => {
    stopLab(lab.name);
    if (cause instanceof Error) process.stderr.write(spoken(faultOf(cause)));
    process.exit(1);
  };
  const endings = [...signals, terminalGone];
  for (const ending of endings) process.on(ending, end);
  try {
    writeOut(`\n${titleText(lesson)}\n`);
    const state = labUp(lab.name, "");
    for (const [i, step] of lesson.steps.entries()) {
      await runLines(state, step.before);
      await runLines(state, step.breaks);
      writeOut(`${stepText(lesson, step, i)}`);
      if (step.type) await practise(lesson, state, step);
      if (step.ask) await ask(lesson, state, step);
    }
    return true;
  } catch (error) {
    if (error instanceof Quit) return false;
    throw error;
  } finally {
    for (const ending of endings) process.off(ending, end);
    stopLab(lab.name);
  }
}

/** Opens the shell until everything is as the step wants it. */
async function practise(lesson: Lesson, state: LabState, step: Step): Promise<void> {
  writeOut(`${quiet('Type the commands in this shell. "exit" or Ctrl-D ends the step.')}\n`);
  for (;;) {
    await shell(lesson, state);
    const missing = await missingIn(state, step);
    if (missing.length === 0) {
      writeOut(`\n${coloured("good", step.see || step.tests ? "Right, it works." : "Next.")}\n\n`);
      return;
    }
    writeOut(`\n${coloured("bad", "Not yet:")}\n${missing.map((line) => `  ${line}\n`).join("")}`);
    if ((await chosenWish()) === "") continue;
    await runLines(state, step.type);
    const still = await missingIn(state, step);
    if (still.length === 0) writeOut(`${coloured("good", "Done.")} "exit" goes on, or look around first.\n`);
    else writeOut(`${coloured("bad", "Still:")} ${still.join("; ")}\n`);
  }
}

/** Enter or "do". A command that a learner types here would be lost without a word. Throws Quit. */
async function chosenWish(): Promise<"" | "do"> {
  for (;;) {
    const wish = await line('[Enter] back to the shell, "do" types the commands for you, "q" quits: ');
    if (wish === "" || wish === "do") return wish;
    if (wish === "q") throw new Quit();
    writeOut(`${JSON.stringify(wish)} is not a choice here: Enter opens the shell for commands.\n`);
  }
}

/** Without the learner's own settings, which may change the prompt. It begins with a line end, because an output may have none. */
async function shell({ number }: Lesson, state: LabState): Promise<void> {
  process.env["PS1"] = `\nlesson ${number} \\$ `;
  await runInPod(state, "host", Bun.which("bash") ? ["bash", "--norc", "-i"] : ["sh"]);
}

const triesMax = 3;

async function ask(lesson: Lesson, state: LabState, step: Step): Promise<void> {
  writeOut(`${coloured("title", step.ask!.trimEnd())}\n`);
  writeOut(`${quiet('"shell" opens the shell again, "skip" shows the answer, "q" quits.')}\n`);
  writeOut(await answerOf(lesson, state, step));
  writeOut(`${step.why!.trimEnd()}\n\n`);
  if ((await line("[Enter] ")) === "q") throw new Quit();
}

/** The words before the explanation: whether the learner knew it, and the answer if not. Throws Quit. */
async function answerOf(lesson: Lesson, state: LabState, step: Step): Promise<string> {
  const shown = `It is this: ${coloured("title", `${step.says}.`)} `;
  for (let wrong = 0; wrong < triesMax; ) {
    const given = await line("> ");
    if (isRight(step, given)) return `${coloured("good", "Right.")} `;
    if (given === "q") throw new Quit();
    if (given === "skip") return shown;
    if (given === "shell") {
      await shell(lesson, state);
      continue;
    }
    wrong++;
    if (wrong < triesMax) writeOut('Not that. Look again: "shell" opens the shell, "skip" shows the answer.\n');
  }
  return shown;
}

/** One line from the terminal. Throws Quit at its end, and for Ctrl-C. */
export async function line(prompt: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise<never>((_, reject) => terminal.on("close", () => reject(new Quit())));
  try {
    return (await Promise.race([terminal.question(prompt), closed])).trim();
  } finally {
    closed.catch(() => {}); // it closes now
    terminal.close();
  }
}

const quiet = (text: string) => coloured("faint", text);
