// The way of frames to the painter and back: JPEG out, painted JPEG in, over one WebSocket that is opened again when it
// breaks. A frame is sent when the last was answered, so a slow painter is never buried.

import { at } from "./api.js";

const LATE = 2500; // milliseconds after which an unanswered frame is given up
const PAUSES = [500, 1000, 2000, 4000];

export class LiveWire {
  /** frame(longest): a Blob (JPEG) of what is seen now, or null; painted(blob): called with each answer;
      paced({fps, longest, ms}): called each second; state(text): called with what is wrong, or "". */
  constructor({ frame, painted, paced, state }) {
    Object.assign(this, { frame, painted, paced, state });
    this.wish = {};
    this.longest = 320;
    this.open = false;
    this.broken = 0;
  }

  start(wish) {
    this.wish = { ...this.wish, ...wish };
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

  /** Other styles, paintings or strength, from the next frame on. */
  change(wish) {
    this.wish = { ...this.wish, ...wish };
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(this.wish));
  }

  _connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${at("/api/live")}`);
    socket.binaryType = "blob";
    this.socket = socket;
    socket.onopen = () => {
      this.state("");
      socket.send(JSON.stringify(this.wish));
      this._send();
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      if (typeof event.data === "string") {
        this._told(JSON.parse(event.data));
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

  _told(said) {
    if (said.longest) this.longest = said.longest;
    if (said.what || said.detail) this.state([said.what || said.detail, said.why, said.hint].filter(Boolean).join("; "));
    else this.paced(said);
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
