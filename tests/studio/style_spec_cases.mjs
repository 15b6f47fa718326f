// Reads the cases of tests/painting/style_spec_cases.json as the pages do, and prints what it reads as JSON.
//   node style_spec_cases.mjs MODULE CASES
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , module, file] = process.argv;
const { styleTerms } = await import(pathToFileURL(module).href);
const { names, usual, cases } = JSON.parse(readFileSync(file, "utf8"));
const named = (list = []) => list.map((name) => ({ name }));
const read = cases.map(({ texts, paintings, masks }) =>
  styleTerms(texts, { painting: named(paintings), mask: named(masks) }, new Set(names), usual)
    .map(({ name, weight, painting, mask }) => [name, weight, painting?.name ?? null, mask?.name ?? null]));
console.log(JSON.stringify(read));
