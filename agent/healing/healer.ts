/** Repairs what is missing, soon after a sign of it, and says what it did. */
import { attachmentText } from "../../conf/attachment.ts";
import { healHost, undoWritten } from "../../plugin/recovery/heal.ts";
import type { Failure, Rules } from "../../plugin/recovery/rulesTogether.ts";
import type { HealingEvent } from "../event.ts";
import { collectWhenIdle } from "../idle.ts";
import { BackOff } from "./backOff.ts";
import { type Scope, type Sign, scopes } from "./watch.ts";

/** Programs change several things in a row. */
const quietMs = 3;
/** The kernel's report of a removal is there, and is read as soon as the thread is free. */
const reportPauseMs = 20;
const warmUpRounds = 8;
const warmUpMsMax = 300;

/** Comparing takes at most this part of the time. */
const partMax = 5;

/** Rules that were written, and until when they are looked at again. */
interface Written {
  readonly folder: string;
  readonly rules: Rules;
  readonly untilMs: number;
}

/** A DEL takes milliseconds; one that waits for the kernel or for another program, longer. */
const departedMs = 500;
const rememberedMs = 120_000;

interface Found {
  /** How many, by kind. */
  readonly repaired: Map<string, number>;
  /** Until the last of those that must wait may be repaired. */
  waitMs: number;
}

export class Healer {
  readonly #onEvent: (event: HealingEvent) => void;
  readonly #folders = new Set<string>();
  readonly #backOff = new BackOff();
  #sign: (Sign & { readonly atMs: number }) | undefined;
  /** The last program that removed rules, and when that was read. */
  #last: { readonly by: string | undefined; readonly atMs: number } = { by: undefined, atMs: 0 };
  #freeAtMs = 0;
  #written: Written[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onEvent: (event: HealingEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** The folder of another store. Its attachments are compared now, unless a call uses it at this moment. */
  addFolder(folder: string, isInUse: boolean): void {
    if (this.#folders.has(folder)) return;
    this.#folders.add(folder);
    if (!isInUse) this.#warmUp();
  }

  /** Something may be missing. */
  sign({ of, by }: Sign): void {
    const before = this.#sign;
    const atMs = before?.atMs ?? performance.now();
    if (by !== undefined) this.#last = { by, atMs: performance.now() };
    this.#sign = { of: widest(of, before?.of), by: by ?? before?.by, atMs };
    if (before && !by) return;
    clearTimeout(this.#timer);
    // A program that removed rules is slowed down by the back-off, if it does so again and again.
    this.#timer = setTimeout(() => this.#heal(), by ? quietMs : Math.max(quietMs, this.#freeAtMs - atMs));
  }

  /** Compares until the engine has compiled the code. */
  #warmUp(): void {
    const endMs = performance.now() + warmUpMsMax;
    for (let i = 0; i < warmUpRounds && performance.now() < endMs; i++) this.#heal({ of: "host", atMs: endMs });
  }

  #heal(sign = this.#sign): void {
    this.#sign = undefined;
    if (!sign) return;
    this.#undoDeparted();
    const startMs = performance.now();
    const found: Found = { repaired: new Map(), waitMs: 0 };
    for (const folder of this.#folders) this.#healIn(folder, sign, found);
    const endMs = performance.now();
    collectWhenIdle();
    this.#freeAtMs = endMs + partMax * (endMs - startMs);
    if (found.waitMs > 0) setTimeout(() => this.sign(sign), found.waitMs);
    const ms = Number((endMs - Math.min(sign.atMs, startMs)).toFixed(1));
    const repaired = [...found.repaired].map(([kind, count]) => ({
      ...{ kind, count },
      delayMs: this.#backOff.repaired(kind, endMs),
    }));
    const report = () => {
      const by = sign.by ?? (this.#last.atMs >= startMs ? this.#last.by : undefined);
      for (const { kind, count, delayMs } of repaired) {
        this.#onEvent({ what: "healed", kind, count, ms, by });
        if (delayMs > 0) this.#onEvent({ what: "contested", kind, by, delayMs });
      }
    };
    // Another sign came before the kernel's report of who removed the rules, which is read in one of the next turns.
    if (sign.by === undefined && repaired.length > 0) setTimeout(report, reportPauseMs);
    else report();
  }

  #healIn(folder: string, { of }: Sign, found: Found): void {
    const stderr = (text: string | Uint8Array) => this.#onEvent({ what: "trouble", because: String(text).trim() });
    const mayRepair = (kind: string) => {
      const delayMs = this.#backOff.delayMs(kind, performance.now());
      found.waitMs = Math.max(found.waitMs, delayMs);
      return delayMs === 0;
    };
    try {
      const { repaired, written, failures } = healHost(folder, { stderr }, { mayRepair, isRulesOnly: of === "rules" });
      for (const [kind, count] of repaired) found.repaired.set(kind, (found.repaired.get(kind) ?? 0) + count);
      this.#report(failures);
      if (written.size === 0) return;
      this.#written.push({ folder, rules: written, untilMs: performance.now() + rememberedMs });
      setTimeout(() => this.#undoDeparted(), departedMs);
    } catch (error) {
      const because = `cannot compare ${folder} with the kernel: ${(error as Error).message}`;
      this.#onEvent({ what: "trouble", because });
    }
  }

  /** Looks again at the rules that were written lately: an attachment may have been leaving at that moment. */
  #undoDeparted(): void {
    const nowMs = performance.now();
    this.#written = this.#written.filter(({ untilMs }) => nowMs < untilMs);
    for (const { folder, rules } of this.#written) {
      try {
        this.#report(undoWritten(folder, { stderr: () => {} }, rules));
      } catch {
        // The store cannot be read now: the next look does it.
      }
    }
  }

  #report(failures: readonly Failure[]): void {
    for (const { attachment, error } of failures)
      this.#onEvent({ what: "trouble", because: `cannot repair ${attachmentText(attachment)}: ${error.message}` });
  }
}

const widest = (one: Scope, other: Scope = "rules"): Scope =>
  scopes[Math.max(scopes.indexOf(one), scopes.indexOf(other))]!;
