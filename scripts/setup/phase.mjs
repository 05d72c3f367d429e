/**
 * A phase of the set-up: its name when it begins, its time when it ends. On a terminal this is one line, which counts
 * the seconds; elsewhere it is two, because a log cannot change a line.
 */
const quietMs = 500;
/** ECMA-48: return to the beginning of the line, and erase it. */
const eraseLine = "\r\x1b[K";

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** Tests that build something set this, because their own report is what a person reads. */
const isQuiet = process.env.NSNET_PHASES === "no";
const usual = isQuiet ? { write: () => true } : process.stderr;

/** Does `work` as the phase `what` ("install the dependencies"). Answers its answer. Standard output stays free. */
export async function phase(what, work, stream = usual) {
  const startMs = performance.now();
  const tookMs = () => performance.now() - startMs;
  const isTerminal = Boolean(stream.isTTY) && process.env.TERM !== "dumb";
  const begin = `ready: ${what} …`;
  stream.write(isTerminal ? begin : `${begin}\n`);
  const draw = () => stream.write(`${eraseLine}${begin} ${Math.floor(tookMs() / 1000)} s`);
  const timer = isTerminal ? setInterval(draw, quietMs) : undefined;
  const end = (how) => {
    clearInterval(timer);
    stream.write(isTerminal ? `${eraseLine}${begin} ${how}\n` : `ready: ${what}: ${how}\n`);
  };
  try {
    const answer = await work();
    end(seconds(tookMs()));
    return answer;
  } catch (error) {
    end(`failed after ${seconds(tookMs())}`);
    throw error;
  }
}
