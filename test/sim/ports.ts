import type { Ports } from "../../src/core/world.ts";
import { OpenShelf } from "../helpers/shelf.ts";

/** A world in which nothing was before, and nothing is kept. */
export const PORTS: Ports = {
  newName: () => "unused",
  newQuestionId: () => 1,
  recall: () => null,
  shelf: () => new OpenShelf(),
  secretMark: () => "",
};
