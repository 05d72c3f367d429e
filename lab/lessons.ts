/** The lessons of the course, compiled into the executable. Each is a lab file with its text under `x-lesson`. */

import { type Lesson, lessonOf } from "./lesson.ts";
import namespaces from "./lessons/01-namespaces.yaml" with { type: "text" };
import empty from "./lessons/02-empty.yaml" with { type: "text" };
import veth from "./lessons/03-veth.yaml" with { type: "text" };
import twoPods from "./lessons/04-two-pods.yaml" with { type: "text" };
import bridge from "./lessons/05-bridge.yaml" with { type: "text" };
import defaultRoute from "./lessons/06-default-route.yaml" with { type: "text" };
import nat from "./lessons/07-nat.yaml" with { type: "text" };
import publish from "./lessons/08-publish.yaml" with { type: "text" };
import enter from "./lessons/09-enter.yaml" with { type: "text" };
import twoHosts from "./lessons/10-two-hosts.yaml" with { type: "text" };
import explain from "./lessons/11-explain.yaml" with { type: "text" };

/** In order; the first is lesson 1. */
const texts: readonly string[] = [
  namespaces,
  empty,
  veth,
  twoPods,
  bridge,
  defaultRoute,
  nat,
  publish,
  enter,
  twoHosts,
  explain,
];

export const lessons = (): readonly Lesson[] => texts.map((text, i) => lessonOf(text, i + 1));
