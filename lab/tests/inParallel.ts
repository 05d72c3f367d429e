/** Work on many things, some at a time. */

const atATime = 32;

/** `onDone` sees the answers in the order of the things. If it throws, no further work begins. */
export async function inParallel<Thing, Answer>(
  things: readonly Thing[],
  work: (thing: Thing) => Promise<Answer>,
  onDone: (answer: Answer) => void,
): Promise<void> {
  const answers = things.map(() => Promise.withResolvers<Answer>());
  let next = 0;
  const worker = async () => {
    while (next < things.length) {
      const place = next++;
      await work(things[place]!).then(answers[place]!.resolve, answers[place]!.reject);
    }
  };
  for (let i = 0; i < atATime; i++) void worker();
  try {
    for (const { promise } of answers) onDone(await promise);
  } finally {
    next = things.length;
  }
}
