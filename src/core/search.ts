import { isObject } from "./envelope.ts";
import type { Entry } from "./listing.ts";
import { SYNONYMS, wordsOf } from "./search-words.ts";
import { typos } from "./spelling.ts";

/** What is found counts more in a name than in a description (BM25F, simplified). */
const WEIGHTS = { name: 3, title: 2, server: 1.5, description: 1, parameters: 0.4 } as const;
/** The usual constants of BM25: how soon repetition stops counting, how much length matters. */
const K1 = 1.2;
const B = 0.5;
/** What a word counts that is not the one asked for, but may be meant. */
const SYNONYM = 0.5;
const BEGINNING = 0.75;
const MISSPELT = 0.8;
/** Shorter words begin, and are nearly, too many others. */
const BEGINNING_LENGTH = 4;
/** Letters of a word for each that may be wrong. */
const LETTERS_PER_TYPO = 4;
const TYPOS_MAX = 2;
/** How much it counts that many of the words were found, beside how well each was. */
const COVERAGE = 0.5;
/** Words of a query that are looked at: a longer one is no question. */
const QUERY_WORDS_MAX = 64;
const QUERY_LENGTH_MAX = 4_096;

type Document = {
  /** Weighted count of each word. */
  readonly counts: ReadonlyMap<string, number>;
  readonly length: number;
};

/** Words of the documents that one word of a query may mean, and how sure that is, up to 1. */
type Meanings = ReadonlyMap<string, number>;

/**
 * Finds tools by words: BM25 over names, titles, servers, descriptions and parameters. A word also
 * finds what it begins, what means the same, and, when nothing has it, what it may be a slip of.
 */
export class ToolSearch {
  readonly #documents: readonly Document[];
  /** In how many documents a word occurs. */
  readonly #spread = new Map<string, number>();
  readonly #meanLength: number;

  /** `serverOf` gives the name of the server that has the tool of that name. */
  constructor(entries: readonly Entry[], serverOf: (name: string) => string = () => "") {
    this.#documents = entries.map((entry) => documentOf(entry, serverOf(String(entry["name"]))));
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
    const meanings = words.map((word) => this.#meanings(word));
    return this.#documents
      .map((document, index) => ({ index, score: this.#score(document, meanings) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .map(({ index }) => index);
  }

  #meanings(word: string): Meanings {
    const found = new Map<string, number>();
    const note = (meant: string, sureness: number): void => {
      if (!this.#spread.has(meant)) return;
      found.set(meant, Math.max(sureness, found.get(meant) ?? 0));
    };
    note(word, 1);
    for (const other of SYNONYMS.get(word) ?? []) note(other, SYNONYM);
    if (word.length < BEGINNING_LENGTH) return found;
    for (const other of this.#spread.keys()) {
      const [short, long] = other.length < word.length ? [other, word] : [word, other];
      if (short.length < BEGINNING_LENGTH || !long.startsWith(short)) continue;
      note(other, BEGINNING * Math.sqrt(short.length / long.length));
    }
    if (found.size === 0) this.#slips(word, note);
    return found;
  }

  #slips(word: string, note: (meant: string, sureness: number) => void): void {
    const most = Math.min(TYPOS_MAX, Math.floor(word.length / LETTERS_PER_TYPO));
    for (const other of this.#spread.keys()) {
      if (other.length < BEGINNING_LENGTH) continue;
      const wrong = typos(word, other, most);
      if (wrong <= most) note(other, MISSPELT ** wrong);
    }
  }

  #score({ counts, length }: Document, meanings: readonly Meanings[]): number {
    const norm = K1 * (1 - B + (B * length) / this.#meanLength);
    let score = 0;
    let covered = 0;
    for (const words of meanings) {
      let best = 0;
      let sure = 0;
      for (const [word, sureness] of words) {
        const count = counts.get(word);
        if (count === undefined) continue;
        const worth = (sureness * this.#rarity(word) * count * (K1 + 1)) / (count + norm);
        best = Math.max(best, worth);
        sure = Math.max(sure, sureness);
      }
      score += best;
      covered += sure;
    }
    return score * (1 - COVERAGE + (COVERAGE * covered) / meanings.length);
  }

  #rarity(word: string): number {
    const spread = this.#spread.get(word) ?? 0;
    return Math.log(1 + (this.#documents.length - spread + 0.5) / (spread + 0.5));
  }
}

function documentOf(entry: Entry, server: string): Document {
  const counts = new Map<string, number>();
  let length = 0;
  const add = (text: unknown, weight: number): void => {
    if (typeof text !== "string") return;
    for (const word of wordsOf(text)) {
      counts.set(word, (counts.get(word) ?? 0) + weight);
      length += weight;
    }
  };
  add(entry["name"], WEIGHTS.name);
  add(entry["title"], WEIGHTS.title);
  add(server, WEIGHTS.server);
  add(entry["description"], WEIGHTS.description);
  const schema = entry["inputSchema"];
  const properties = isObject(schema) ? schema["properties"] : undefined;
  for (const [name, about] of Object.entries(isObject(properties) ? properties : {})) {
    add(name, WEIGHTS.parameters);
    if (isObject(about)) add(about["description"], WEIGHTS.parameters);
  }
  return { counts, length };
}
