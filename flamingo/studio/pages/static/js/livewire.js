// The way of frames to the painter and back: JPEG out, painted JPEG in, over one WebSocket that is opened again when it
// breaks. A frame is sent when the last was answered, so a slow painter is never buried.

import { at } from "./api.js";

const LATE = 2500; // milliseconds after which an unanswered frame is given up
const PAUSES = [500, 1000, 2000, 4000];

/** @typedef {{style?: string[], painting?: Api.FileIn[], mask?: Api.FileIn[], strength?: number}} LiveOptions */

/** What the painter says beside its frames: its pace, or what is wrong.
 * @typedef {{fps?: number, longest?: number, ms?: number} & Partial<Api.ProblemOut>} LiveMessage */

export class LiveWire {
  /** frame(longest): a Blob (JPEG) of what is seen now, or null; painted(blob): called with each answer;
      paced({fps, longest, ms}): called each second; state(text): called with what is wrong, or "".

      @param {{frame: (longest: number) => Promise<Blob | null> | null, painted: (blob: Blob) => void,
        paced: (message: LiveMessage) => void, state: (text: string) => void}} options */
  constructor({ frame, painted, paced, state }) {
    this.frame = frame;
    this.painted = painted;
    this.paced = paced;
    this.state = state;
    /** @type {LiveOptions} */
    this.options = {};
    /** @type {WebSocket | null} */
    this.socket = null;
    this.again = 0; // the timers: of the next connection, and of the frame that is awaited
    this.late = 0;
    this.longest = 320;
    this.open = false;
    this.broken = 0;
  }

  /** @param {LiveOptions} options */
  start(options) {
    this.options = { ...this.options, ...options };
    this.open = true;
    this._connect();
  }

  stop() {
    this.open = false;
    clearTimeout(this.again);
    clearTimeout(this.late);
    this.socket?.close();
    this.socket = null;
  }

  /**
   * Other styles, paintings or strength, from the next frame on.
   *
   * @param {LiveOptions} options
   */
  change(options) {
    this.options = { ...this.options, ...options };
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(this.options));
  }

  _connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${at("/api/live")}`);
    socket.binaryType = "blob";
    this.socket = socket;
    socket.onopen = () => {
      this.state("");
      socket.send(JSON.stringify(this.options));
      this._send();
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      if (typeof event.data === "string") {
        this._heed(JSON.parse(event.data));
        return;
      }
      this.broken = 0;
      this.painted(event.data);
      this._send();
    };
    socket.onclose = (event) => {
      if (!this.open || socket !== this.socket) return;
      clearTimeout(this.late);
      this.state(event.reason || "The painter does not answer; trying again.");
      this.again = setTimeout(() => this._connect(), PAUSES[Math.min(this.broken++, PAUSES.length - 1)]);
    };
  }

  /** @param {LiveMessage} message */
  _heed(message) {
    if (message.longest) this.longest = message.longest;
    if (message.what || message.detail) this.state([message.what || message.detail, message.why, message.hint].filter(Boolean).join("; "));
    else this.paced(message);
  }

  async _send() {
    const socket = this.socket;
    clearTimeout(this.late);
    const blob = await this.frame(this.longest);
    if (!this.open || socket !== this.socket || socket.readyState !== WebSocket.OPEN) return;
    if (blob) socket.send(blob);
    this.late = setTimeout(() => this._send(), blob ? LATE : 100);
  }
}
