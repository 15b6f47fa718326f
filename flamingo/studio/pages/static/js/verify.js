// The page Verify: a file, and its sidecar if it has one, to the server; what it says, in its own sentences.
import { upload } from "./api.js";
import { $, h, icon, words } from "./dom.js";
import { dropzone } from "./dropzone.js";
import { fail, say } from "./toast.js";

/** @type {{[State in Api.VerdictOut["state"]]: [title: string, tone: string, icon: string]}} */
const STATES = {
  whole: ["Signed, and not changed since", "good", "shield"],
  changed: ["Changed since it was signed", "warn", "edit"],
  broken: ["Its credentials do not hold", "bad", "close"],
  unsigned: ["Words, but no signature", "plain", "eye"],
  nothing: ["Nothing is known of it", "plain", "search"],
};

/**
 * Which of the files is asked about, and which is its sidecar.
 *
 * @param {File[]} files
 */
function sorted(files) {
  const beside = files.find((file) => files.some((other) => file.name === `${other.name}.json`));
  return [files.find((file) => file !== beside), beside];
}

/** @param {File[]} files */
async function ask(files) {
  const [file, sidecar] = sorted(files);
  $("verdict").hidden = true;
  $("checking").hidden = false;
  $("checking-name").textContent = `Reading ${file.name} …`;
  try {
    show(file.name, await upload(file, { to: "/api/verify", more: sidecar ? { sidecar } : {} }));
  } catch (error) {
    fail(error);
  } finally {
    $("checking").hidden = true;
  }
}

/**
 * @param {string} name
 * @param {Api.VerdictOut} verdict
 */
function show(name, verdict) {
  const [title, tone, mark] = STATES[verdict.state] ?? STATES.nothing;
  $("verdict").dataset.tone = tone;
  $("verdict").dataset.state = verdict.state;
  $("mark").replaceChildren(icon(mark));
  $("name").textContent = name;
  $("verdict-title").textContent = title;
  $("sentences").replaceChildren(...verdict.sentences.map((sentence) => h("li", {}, sentence)));
  const rows = Object.entries(verdict.recipe ?? {}).filter(([, value]) => value !== null);
  $("recipe-part").hidden = !rows.length;
  $("recipe").replaceChildren(...rows.flatMap(([key, value]) =>
    [h("dt", {}, words(key)), h("dd", {}, typeof value === "string" ? value : JSON.stringify(value))]));
  $("verdict").hidden = false;
  $("verdict").focus();
  say(`${name}: ${title}`);
}

dropzone($("file"), { onfiles: (files) => ask(files) });
