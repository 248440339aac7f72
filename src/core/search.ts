import { isObject } from "./envelope.ts";
import type { Entry } from "./listing.ts";

/** What is found counts more in a name than in a description (BM25F, simplified). */
const WEIGHTS = { name: 3, title: 2, description: 1, parameters: 1 } as const;
/** The usual constants of BM25: how soon repetition stops counting, how much length matters. */
const K1 = 1.2;
const B = 0.6;
/** Words of a query that are looked at: a longer one is no question. */
const QUERY_WORDS_MAX = 64;
const QUERY_LENGTH_MAX = 4_096;

type Document = {
  /** Weighted count of each word. */
  readonly counts: ReadonlyMap<string, number>;
  readonly length: number;
};

/** Finds tools by words: BM25 over names, titles, descriptions and parameters. */
export class ToolSearch {
  readonly #documents: readonly Document[];
  /** In how many documents a word occurs. */
  readonly #spread = new Map<string, number>();
  readonly #meanLength: number;

  constructor(entries: readonly Entry[]) {
    this.#documents = entries.map(documentOf);
    for (const { counts } of this.#documents) {
      for (const word of counts.keys()) this.#spread.set(word, (this.#spread.get(word) ?? 0) + 1);
    }
    const total = this.#documents.reduce((sum, { length }) => sum + length, 0);
    this.#meanLength = total / Math.max(1, this.#documents.length);
  }

  /** Indexes of the entries that fit, best first; all of them, in order, for no words at all. */
  find(query: string): readonly number[] {
    const words = [...new Set(wordsOf(query.slice(0, QUERY_LENGTH_MAX)))].slice(0, QUERY_WORDS_MAX);
    if (words.length === 0) return this.#documents.map((_, index) => index);
    return this.#documents
      .map((document, index) => ({ index, score: this.#score(document, words) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .map(({ index }) => index);
  }

  #score({ counts, length }: Document, words: readonly string[]): number {
    const norm = K1 * (1 - B + (B * length) / this.#meanLength);
    let score = 0;
    for (const word of words) {
      const count = counts.get(word) ?? 0;
      if (count === 0) continue;
      const spread = this.#spread.get(word) ?? 0;
      const rarity = Math.log(1 + (this.#documents.length - spread + 0.5) / (spread + 0.5));
      score += (rarity * count * (K1 + 1)) / (count + norm);
    }
    return score;
  }
}

function documentOf(entry: Entry): Document {
  const counts = new Map<string, number>();
  let length = 0;
  const add = (text: unknown, weight: number): void => {
    if (typeof text !== "string") return;
    for (const word of wordsOf(text)) {
      counts.set(word, (counts.get(word) ?? 0) + weight);
      length += 1;
    }
  };
  add(entry["name"], WEIGHTS.name);
  add(entry["title"], WEIGHTS.title);
  add(entry["description"], WEIGHTS.description);
  const schema = entry["inputSchema"];
  const properties = isObject(schema) ? schema["properties"] : undefined;
  for (const [name, about] of Object.entries(isObject(properties) ? properties : {})) {
    add(name, WEIGHTS.parameters);
    if (isObject(about)) add(about["description"], WEIGHTS.parameters);
  }
  return { counts, length };
}

/** Words in lower case, without endings; names like `getFileInfo`, `get_file_info` taken apart. */
function wordsOf(text: string): readonly string[] {
  return text
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "" && !COMMON.has(word))
    .map(stem);
}

const COMMON: ReadonlySet<string> = new Set(
  "a an and are as at be by can do for from how i in is it me my of on or that the this to want what with you".split(
    " ",
  ),
);

/** Cuts the endings that make one English word look like two: files, filed, filing. */
function stem(word: string): string {
  if (word.length > 5 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 5 && word.endsWith("ing")) return word.slice(0, -3).replace(/(.)\1$/, "$1");
  if (word.length > 4 && word.endsWith("ed")) return word.slice(0, -2).replace(/(.)\1$/, "$1");
  if (word.length > 4 && /(s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith("s") && !word.endsWith("ss")) return word.slice(0, -1);
  return word.length > 3 && word.endsWith("e") ? word.slice(0, -1) : word;
}
