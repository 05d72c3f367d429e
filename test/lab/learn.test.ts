/** The course: every lesson is done by typing the commands that it shows. The other side is a shell, and a terminal. */
import assert from "node:assert/strict";
import { commandsOf, isRight, isSeen, type Sight, type Step } from "../../lab/lesson.ts";
import { lessons } from "../../lab/lessons.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const sh = (who: Person, command: string) => {
  // A lesson calls ns-net by its name.
  const { out, err } = who.lab("exec", "host", "--", "bash", "-c", `PATH="${who.folder}:$PATH"; ${command}`);
  return out + err;
};
const see = (who: Person, { run }: Sight) => sh(who, run);

/** The things that the step wants and that are not so. */
function missing(who: Person, step: Step): string[] {
  const unseen = (step.see ?? []).filter((sight) => !isSeen(sight, see(who, sight))).map(({ hint }) => hint);
  if (!step.tests) return unseen;
  const { tests } = who.json("test");
  const failed = tests.filter(({ passed }: { passed: boolean }) => !passed);
  return [...unseen, ...failed.map(({ test }: { test: string }) => test)];
}

/** Whether a word of what the commands printed answers the question; others are answered by thinking. */
const isFound = (step: Step, said: string) =>
  ["no", "d", "web log"].some((thought) => isRight(step, thought)) ||
  said.split(/\s+/).some((word) => isRight(step, word));

for (const user of users) {
  describe(`The course, as ${user}`, function () {
    this.timeout(120_000);
    let who: Person;
    before(function () {
      needsLabs(this, user);
      who = person(user);
    });
    after(() => who?.[Symbol.dispose]());

    // The lessons with rules, nsenter and VXLAN: the others are no different without root.
    const chosen = lessons().filter(({ number }) => user === "root" || [7, 9, 10, 11].includes(number));
    for (const { number, title, source, steps } of chosen) {
      it(`lesson ${number} (${title}) is done by its own commands, and not before`, () => {
        using _ = who.up(who.file(`learn-${number}.yaml`, source.text));
        for (const step of steps) {
          assert.equal(sh(who, `${step.before ?? ""}${step.breaks ?? ""}`), "");
          const isChecked = step.see !== undefined || step.tests === true;
          // The last step of lesson 9 has nothing to type: it looks back.
          if (isChecked && step.type) assert.notDeepEqual(missing(who, step), [], `nothing to do: ${step.text}`);
          const said = step.type ? sh(who, step.type) : "";
          if (isChecked) assert.deepEqual(missing(who, step), [], step.text);
          if (step.ask) assert.ok(step.answer && step.why && isFound(step, said), `${step.ask} ${said}`);
        }
      });
    }
  });
}

describe("ns-net lab learn", function () {
  this.timeout(60_000);
  let who: Person;
  before(function () {
    needsLabs(this, "root");
    who = person("root");
  });
  after(() => who?.[Symbol.dispose]());

  it("lists the lessons, and prints one without a terminal", () => {
    const { out } = who.lab("learn");
    for (const { title } of lessons()) assert.ok(out.includes(title));
    const lesson = who.lab("learn", "8");
    assert.equal(lesson.code, 0);
    for (const { text, type } of lessons()[7]!.steps)
      for (const line of [...text.trim().split("\n"), ...commandsOf(type)]) assert.ok(lesson.out.includes(line), line);
    assert.doesNotMatch(lesson.out, /route delete default/, "what breaks the network is a secret");
    assert.equal(who.lab("learn", "12").code, 2);
    assert.equal(who.json("learn", "2").number, 2);
  });

  it("shows an answer that it accepts: at a question, after three wrong ones, and in print", async () => {
    for (const { number, steps } of lessons())
      for (const step of steps.filter(({ ask }) => ask)) {
        assert.ok(isRight(step, step.says!), `${number}: ${step.says}`);
        assert.ok(who.lab("learn", String(number)).out.includes(`Answer: ${step.says}. `));
      }
    for (const typed of [["skip"], ["no", "none", "never"]]) {
      using terminal = typing(who, "lab", "learn", "11");
      await terminal.until("lesson 11 #");
      terminal.type("exit\n");
      for (const answer of typed) {
        await terminal.until("> ");
        terminal.type(`${answer}\n`);
      }
      await terminal.until("It is this: ");
      await terminal.until("10.1.0.1.");
      await terminal.until("[Enter]");
      terminal.type("q\n");
      await terminal.until("Stopped.");
      assert.equal(await terminal.exited, 1);
    }
    assert.deepEqual(who.json("ls"), []);
  });

  it("ends the lab when the terminal goes away", async () => {
    using terminal = typing(who, "lab", "learn", "1");
    await terminal.until("lesson 1 #");
    terminal.type("exit\n");
    await terminal.until("lesson 1 #");
    terminal.type("exit\n");
    await terminal.until("> ");
    terminal.end();
    await terminal.exited;
    assert.deepEqual(who.json("ls"), []);
  });

  for (const [prompt, exits] of [
    ["> ", 2],
    ['"q" quits: ', 1],
  ] as const)
    it(`ends the lab when the terminal is closed at the prompt ${prompt}`, async () => {
      const lesson = exits === 1 ? "2" : "1";
      using terminal = typing(who, "lab", "learn", lesson);
      for (let i = 0; i < exits; i++) {
        await terminal.until(`lesson ${lesson} #`);
        terminal.type("exit\n");
      }
      await terminal.until(prompt);
      // The next prompt shows that this one reads.
      terminal.type("no such answer\n");
      await terminal.until(prompt);
      terminal.close();
      assert.equal(await terminal.exited, 1);
      assert.deepEqual(who.json("ls"), []);
    });

  it("ends the lab for Ctrl-C while a step is checked", async () => {
    using terminal = typing(who, "lab", "learn", "3");
    await terminal.until("lesson 3 #");
    terminal.type("ip link add veth-web type veth peer name eth0 netns web\nexit\n");
    await terminal.until("Right, it works.");
    await terminal.until("lesson 3 #");
    terminal.type("exit\n");
    // To the shell as long as it is there, then to what waits two seconds for tests that fail.
    const key = setInterval(() => terminal.type("\x03"), 100);
    try {
      assert.equal(await terminal.exited, 1);
    } finally {
      clearInterval(key);
    }
    assert.deepEqual(who.json("ls"), []);
  });

  it("brings the lab up on a terminal, says what is missing, checks what is typed, and leaves nothing", async () => {
    using terminal = typing(who, "lab", "learn", "2");
    await terminal.until("lesson 2 #");
    terminal.type("exit\n");
    await terminal.until("there is no namespace mine yet");
    terminal.type("ip netns add lost\n");
    await terminal.until('"ip netns add lost" is not a choice here: Enter opens the shell');
    await terminal.until('"q" quits: ');
    terminal.type("\n");
    await terminal.until("lesson 2 #");
    terminal.type("ip netns add mine\nexit\n");
    await terminal.until("Right, it works.");
    await terminal.until("lesson 2 #");
    terminal.type("exit\n");
    await terminal.until("Next.");
    await terminal.until("Network is …");
    await terminal.until('"skip" shows the answer, "q" quits');
    terminal.type("down\n");
    await terminal.until("Look again");
    terminal.type("shell\n");
    await terminal.until("lesson 2 #");
    terminal.type("exit\n");
    await terminal.until("> ");
    terminal.type("Unreachable\n");
    await terminal.until("[Enter]");
    terminal.type("\n");
    await terminal.until("lesson 2 #");
    terminal.type("exit\n");
    await terminal.until('"do" types the commands');
    terminal.type("do\n");
    await terminal.until("lesson 2 #");
    terminal.type("exit\n");
    await terminal.until("Lesson 2 is done.");
    assert.equal(await terminal.exited, 0);
    assert.deepEqual(who.json("ls"), []);
  });
});

/** A command of ns-net on a terminal. */
function typing(who: Person, ...words: string[]) {
  let seen = "";
  let heard = () => {};
  const child = Bun.spawn(who.line(...words), {
    cwd: who.folder,
    env: { ...who.environment, TERM: "xterm" },
    terminal: {
      data(_, bytes) {
        seen += new TextDecoder().decode(bytes);
        heard();
      },
    },
  });
  return {
    exited: child.exited,
    end: () => child.kill("SIGHUP"),
    /** As a terminal's window does: the command reads its end, and gets SIGHUP if it is the first one there. */
    close: () => child.terminal!.close(),
    type: (text: string) => child.terminal!.write(text),
    /** Waits for a text that comes after the last one. */
    async until(text: string): Promise<void> {
      const giveUp = setTimeout(() => child.kill(), 20_000);
      while (!seen.includes(text)) {
        const more = new Promise<void>((resolve) => {
          heard = resolve;
        });
        await Promise.race([more, child.exited]);
        assert.ok(seen.includes(text) || child.exitCode === null, `no ${text} in ${seen}`);
      }
      clearTimeout(giveUp);
      seen = seen.slice(seen.indexOf(text) + text.length);
    },
    [Symbol.dispose]: () => child.kill(),
  };
}
