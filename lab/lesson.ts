/** A lesson: a lab with a text in steps, commands that the learner types, and checks of what they did. Pure data. */
import { parse } from "yaml";
import type { Source } from "./file/mistakes.ts";

export interface Lesson {
  /** 1 for the first. */
  readonly number: number;
  readonly title: string;
  /** The comment in the first line of the file. */
  readonly about: string;
  /** The lab's file. Its path leads nowhere: the executable has the text. */
  readonly source: Source;
  /** Programs that its commands need. */
  readonly uses: readonly string[];
  readonly steps: readonly Step[];
}

export interface Step {
  readonly text: string;
  /** Commands that are done for the learner, one in each line; run on the lab's host. */
  readonly before?: string;
  /** As `before`, and not shown: they break the network. */
  readonly breaks?: string;
  /** Commands for the learner to type on the lab's host, one in each line. Some fail, which is what they show. */
  readonly type?: string;
  /** Holds afterwards. */
  readonly see?: readonly Sight[];
  /** The tests of the lab's file pass afterwards. */
  readonly tests?: boolean;
  readonly ask?: string;
  /** The answer, as a regular expression, whatever the case. */
  readonly answer?: string;
  /** The answer in words, which `answer` accepts. */
  readonly says?: string;
  /** Explains the answer. */
  readonly why?: string;
}

/** A command on the lab's host, and what its output must contain, as a regular expression in which ^ and $ are ends of lines. */
export interface Sight {
  readonly run: string;
  readonly shows: string;
  /** Says what is missing. */
  readonly hint: string;
}

export function lessonOf(text: string, number: number): Lesson {
  const content = parse(text) as {
    readonly name: string;
    readonly "x-lesson": Pick<Lesson, "title" | "uses" | "steps">;
  };
  const about = text.split("\n", 1)[0]!.replace(/^# /, "");
  return { number, about, source: { file: `/lesson/${content.name}.yaml`, text }, ...content["x-lesson"] };
}

/** The lines of commands. */
export const commandsOf = (text: string | undefined): string[] => text?.trim().split("\n") ?? [];

export const isRight = ({ answer = "" }: Step, given: string): boolean => new RegExp(answer, "i").test(given.trim());

/** The answer and its explanation. */
export const answered = ({ says, why = "" }: Step): string => `${says}. ${why.trimEnd()}`;

export const isSeen = ({ shows }: Sight, output: string): boolean => new RegExp(shows, "m").test(output);
