// The page Grades: the report of listeners' grades as bars and as a table.
import { get } from "./api.js";
import { $, field, h, words } from "./dom.js";
import { inWords } from "./personas.js";
import { styleTitle } from "./manner.js";
import { fail, say } from "./toast.js";

const GRADES = ["excellent", "good", "fair", "poor", "bad"];
/** @type {{[kind: string]: string}} */
const KINDS = { pair: "Music with a picture", picture: "Pictures", music: "Music", film: "Films" };
const HEADS = { kind: "Kind", mood: "Mood", persona: "Composer", style: "Style", listener: "Listener" };
/** @type {{[By in Api.ReportOut["by"]]: (name: string) => string}} */
const NAMES = { kind: (name) => KINDS[name] ?? name, persona: inWords, style: styleTitle, mood: words, listener: (name) => name };

const percent = (/** @type {number} */ value) => `${Math.round(value)} %`;

/** @param {Api.ReportOut} report */
function draw(report) {
  const { by, groups, all } = report;
  const called = (/** @type {Api.GroupOut} */ group) => (group === all ? "All" : group.name === null ? (by === "listener" ? "No name given" : "Unknown") : NAMES[by](group.name));
  $("counting").hidden = true;
  $("empty").hidden = Boolean(all);
  $("report").hidden = !all;
  if (!all) return;
  const rows = [...groups, all];
  $("report-title").textContent = `Grades by ${HEADS[by].toLowerCase()}`;
  $("chart").replaceChildren(...rows.map((group) => h("div", { class: "chart-row" },
    h("span", { class: "name" }, called(group)),
    h("span", { class: "bar" }, GRADES.map((grade) => {
      const part = h("i", { class: `grade-${grade}`, title: `${words(grade)}: ${group.counts[grade]}` });
      part.style.width = `${group.percent[grade]}%`;
      return part;
    })),
    h("span", { class: "votes" }, group.votes === 1 ? "1 grade" : `${group.votes} grades`))));
  $("head").replaceChildren(...[HEADS[by], ...GRADES.map(words), "Satisfied", "Mean", "Grades"].map((text) => h("th", { scope: "col" }, text)));
  $("body").replaceChildren(...rows.map((group) => h("tr", {},
    h("th", { scope: "row" }, called(group)),
    GRADES.map((grade) => h("td", {}, `${percent(group.percent[grade])} (${group.counts[grade]})`)),
    h("td", {}, `${percent(group.satisfied)} (${group.satisfied_95.map(Math.round).join("–")})`),
    h("td", {}, group.mean_opinion.toFixed(1)), h("td", {}, String(group.votes)))));
}

async function load() {
  const by = /** @type {Api.ReportOut["by"]} */ (field($("finder"), "by").value);
  $("report").setAttribute("aria-busy", "true");
  try {
    draw(/** @type {Api.ReportOut} */ (await get(`/api/ratings/report?by=${by}`)));
    say(`Grades by ${HEADS[by].toLowerCase()}`);
  } catch (error) {
    fail(error);
  } finally {
    $("report").removeAttribute("aria-busy");
  }
}

$("legend").replaceChildren(...GRADES.map((grade) => h("li", {}, h("i", { class: `grade-${grade}` }), words(grade))));
$("finder").addEventListener("change", load);
load();
