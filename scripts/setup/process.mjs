/** Runs a program to its end without blocking, so that a phase can show that it goes on. */
import { spawn } from "node:child_process";

/** A program that failed. `message` is one sentence, `said` what the program printed. */
export class ProgramFailed extends Error {
  constructor(command, args, why, said) {
    super(`${[command, ...args].join(" ")}: ${why}`);
    this.said = said;
  }
}

/** Answers standard output. Throws `ProgramFailed` if the program does not exist or does not exit with 0. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      said += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    const fail = (why) => reject(new ProgramFailed(command, args, why, said));
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) => (code === 0 ? resolve(stdout) : fail(signal ?? `exit code ${code}`)));
  });
}
