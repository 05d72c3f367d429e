/** Messages between a capture and the command that starts it, a line of JSON each. */

/** An interface to capture, in the namespace of a process. */
export interface Place {
  readonly name: string;
  readonly ifname: string;
  /** The pod, or `host` or `outside`. */
  readonly holder: string;
  /** The process that holds the namespace, as the command sees it, and the namespace's inode. */
  readonly pid: number;
  readonly inode: number;
}

/** The only line to the capture. It ends when the pipe of this line does. */
export interface CaptureRequest {
  readonly lab: string;
  /** The first process of the lab. */
  readonly pid: number;
  readonly places: readonly Place[];
  /** After so many packets it ends. */
  readonly packetsMax: number | undefined;
  /** The name and version of this program. */
  readonly program: string;
}

export interface PlaceCounts {
  readonly name: string;
  readonly packets: number;
  /** For which there was no room: this program or the disk was too slow. */
  readonly lost: number;
}

/** Why a capture ended. */
export type CaptureEnd =
  | "asked" // the command ended it
  | "counted" // all packets that were asked for are there
  | "reader gone" // the pipe has no reader any more
  | "lab down"
  | { readonly gone: string }; // a pod, or an interface of one that lives

export type CaptureReport =
  | { readonly packets: number; readonly lost: number }
  | { readonly ended: CaptureEnd; readonly places: readonly PlaceCounts[] }
  | { readonly failed: string; readonly cure: string };
