// Editing a storyboard: each function gives a new one, in which shots follow each other without a gap and the film lasts
// as long as before. i is the number of a shot, from 0; times are seconds.

/** Seconds that a shot lasts at least. */
export const LEAST = 0.2;
const LONGEST_FADE = 1;
/** @type {(keyof Shot)[]} */
const TIMES = ["start", "end", "transition", "fade"];

/** @typedef {"there" | "grows" | "fades" | "wiped"} Way how the painting of a shot comes */

const rounded = (/** @type {number} */ seconds) => Math.round(seconds * 1000) / 1000;
const among = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) => Math.min(Math.max(value, least), Math.max(least, most));
const copy = (/** @type {Storyboard} */ board) => ({ ...board, shots: board.shots.map((shot) => ({ ...shot })) });

/** @param {Storyboard} board */
export const total = (board) => board.shots.at(-1).end;

/** @param {Shot} shot */
export const lasts = (shot) => shot.end - shot.start;

/**
 * The photo at `from` comes to the place `to`. Places keep their times, so cuts stay on the beats.
 *
 * @param {Storyboard} board
 * @param {number} from
 * @param {number} to
 * @returns {Storyboard}
 */
export function moved(board, from, to) {
  const shots = [...board.shots];
  const [shot] = shots.splice(from, 1);
  shots.splice(among(to, 0, shots.length), 0, shot);
  const timed = (/** @type {Shot} */ each, /** @type {number} */ i) => ({ ...each, ...Object.fromEntries(TIMES.map((name) => [name, board.shots[i][name]])) });
  return { ...board, shots: shots.map(timed) };
}

/**
 * The border between the shots i and i + 1 is at this time, as near as its neighbours allow.
 *
 * @param {Storyboard} board
 * @param {number} i
 * @param {number} at
 */
export function retimed(board, i, at) {
  const edited = copy(board);
  const [before, after] = [edited.shots[i], edited.shots[i + 1]];
  const time = rounded(among(at, before.start + LEAST, after.end - LEAST));
  before.end = after.start = time;
  return faded(edited);
}

/**
 * The shot lasts so many seconds; the one after it, or before the last one, gives or takes them.
 *
 * @param {Storyboard} board
 * @param {number} i
 * @param {number} seconds
 */
export function lasting(board, i, seconds) {
  const { start, end } = board.shots[i];
  return i + 1 < board.shots.length ? retimed(board, i, start + seconds) : retimed(board, i - 1, end - seconds);
}

/**
 * Without the shot; the one before it, or after the first one, gets its time.
 *
 * @param {Storyboard} board
 * @param {number} i
 */
export function without(board, i) {
  const edited = copy(board);
  const [gone] = edited.shots.splice(i, 1);
  if (i > 0) edited.shots[i - 1].end = gone.end;
  else edited.shots[0] = { ...edited.shots[0], start: gone.start, transition: "cut", fade: 0 };
  return faded(edited);
}

/**
 * With these values of one shot.
 *
 * @param {Storyboard} board
 * @param {number} i
 * @param {Partial<Shot>} values
 */
export function changed(board, i, values) {
  const edited = copy(board);
  Object.assign(edited.shots[i], values);
  if (values.transition) edited.shots[i].fade = values.transition === "crossfade" ? LONGEST_FADE : 0;
  return faded(edited);
}

/**
 * How the painting of a shot comes: there, grows, fades or wiped; and the strength that it has where it is strongest.
 *
 * @param {Shot} shot
 * @returns {{strength: number, way: Way}}
 */
export function coming(shot) {
  const [first, last] = shot.strength;
  return { strength: Math.max(first, last), way: shot.wipe ? "wiped" : first < last ? "grows" : first > last ? "fades" : "there" };
}

/**
 * The same as values of a shot.
 *
 * @param {{strength: number, way: Way}} manner
 * @returns {Pick<Shot, "strength" | "wipe">}
 */
export function comes({ strength, way }) {
  const most = among(strength, 0, 1);
  return { strength: [way === "grows" ? 0 : most, way === "fades" ? 0 : most], wipe: way === "wiped" };
}

/**
 * The camera of a shot where it looks at the middle of its way all the time.
 *
 * @param {Shot} shot
 * @returns {[View, View]}
 */
export function standing({ camera: [first, last] }) {
  const middle = { x: (first.x + last.x) / 2, y: (first.y + last.y) / 2, zoom: Math.sqrt(first.zoom * last.zoom) };
  return [middle, { ...middle }];
}

/**
 * With this style in all shots.
 *
 * @param {Storyboard} board
 * @param {string[]} style
 */
export const restyled = (board, style) => ({ ...board, shots: board.shots.map((shot) => ({ ...shot, style })) });

/**
 * The beat that is within reach of a time, or the time.
 *
 * @param {number} at
 * @param {number[]} beats
 * @param {number} reach
 */
export function caught(at, beats, reach) {
  const nearest = beats.reduce((best, beat) => (Math.abs(beat - at) < Math.abs(best - at) ? beat : best), Infinity);
  return Math.abs(nearest - at) <= reach ? nearest : at;
}

/**
 * No crossfade is longer than two fifths of a shot that it is in.
 *
 * @param {Storyboard} board it is changed
 */
function faded(board) {
  board.shots.forEach((shot, i) => {
    if (i && shot.fade) shot.fade = rounded(Math.min(shot.fade, 0.4 * lasts(shot), 0.4 * lasts(board.shots[i - 1])));
  });
  return board;
}
